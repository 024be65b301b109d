terraform {
  required_version = ">= 1.6"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 5.81 is the first that makes an OpenID Connect provider without a thumbprint.
      version = ">= 5.81, < 6.0"
    }
  }
}
