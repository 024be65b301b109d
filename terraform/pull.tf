# What the nodes' kubelet needs.

locals {
  pull_actions = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
}

resource "aws_iam_policy" "ecr_pull" {
  name        = "${var.cluster_name}-ecr-pull"
  description = "Pull images from Amazon ECR"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = concat(["ecr:GetAuthorizationToken"], local.pull_actions)
        Resource = "*"
      },
    ]
  })
  tags = var.tags

  lifecycle {
    # They can't be changed: to do so all the same would replace the policy, and nodes could not pull meanwhile.
    ignore_changes = [name, description]
  }
}

resource "aws_iam_role_policy_attachment" "ecr_pull" {
  for_each = local.pull_roles

  role       = each.value
  policy_arn = aws_iam_policy.ecr_pull.arn
}
