"""AWS on one machine: ECR, STS, IAM, and the OpenID Connect issuer of workflow runs."""
