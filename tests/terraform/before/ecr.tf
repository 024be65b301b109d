# A platform's own Terraform before it takes the module: its repositories, what its nodes and its workflows may do.

locals {
  config_file  = yamldecode(file("config.yaml"))
  cluster_name = "idp-poc-darede-cluster"
}

resource "aws_ecr_repository" "platform_apps" {
  for_each = toset(local.config_file.ecr.repositories)

  name = each.value

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "platform_apps" {
  for_each = aws_ecr_repository.platform_apps

  repository = each.value.name
  policy = jsonencode({
    rules = [
      for n, rule in [{ prefixes = ["prod-", "v"], count = 10 }, { prefixes = ["staging-", "dev-"], count = 5 }] : {
        rulePriority = n + 1
        action       = { type = "expire" }
        selection = {
          tagStatus     = "tagged"
          tagPrefixList = rule.prefixes
          countType     = "imageCountMoreThan"
          countNumber   = rule.count
        }
      }
    ]
  })
}

resource "aws_iam_policy" "ecr_pull" {
  name        = "${local.cluster_name}-ecr-pull"
  description = "Nodes pull images"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["ecr:GetAuthorizationToken", "ecr:BatchGetImage"], Resource = "*" }]
  })
}

resource "aws_iam_role_policy_attachment" "ecr_pull_managed_ng" {
  count = 1

  role       = aws_iam_role.nodes.name
  policy_arn = aws_iam_policy.ecr_pull.arn
}

resource "aws_iam_openid_connect_provider" "github" {
  count = 1

  url             = "https://token.actions.githubusercontent.com"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["6938fd4d98bab03faadb97b34396831e3780aea1"]
}

resource "aws_iam_role" "github_ecr_push" {
  count = 1

  name = "${local.cluster_name}-github-ecr-push"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = aws_iam_openid_connect_provider.github[0].arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
        StringLike   = { "token.actions.githubusercontent.com:sub" = "repo:${local.config_file.github.org}/*:*" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "github_ecr_push" {
  count = 1

  name = "ecr-push"
  role = aws_iam_role.github_ecr_push[0].id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["ecr:GetAuthorizationToken", "ecr:PutImage"], Resource = "*" }]
  })
}
