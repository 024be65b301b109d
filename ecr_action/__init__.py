"""ecr-publish: from a commit to an image in Amazon ECR and a commit in the GitOps repository."""
