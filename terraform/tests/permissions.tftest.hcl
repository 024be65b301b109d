# What the roles may do: twenty calls against the policies of the plan.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }
  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
}

variables {
  config_file = "tests/configs/narrowed.yaml"
}

run "twenty_calls" {
  command = plan

  assert {
    condition = [
      for call in [
        ["github", "ecr:GetAuthorizationToken", "*", "yes"],
        ["github", "ecr:PutImage", "arn:aws:ecr:us-east-1:123456789012:repository/team/api", "yes"],
        ["github", "ecr:PutImage", "arn:aws:ecr:eu-west-1:123456789012:repository/team/api", "yes"],
        ["github", "ecr:PutImage", "arn:aws:ecr:ap-south-1:123456789012:repository/team/api", "no"],
        ["github", "ecr:PutImage", "arn:aws:ecr:us-east-1:210987654321:repository/team/api", "no"],
        ["github", "ecr:PutImage", "arn:aws:ecr:us-east-1:123456789012:repository/other", "no"],
        ["github", "ecr:PutImage", "arn:aws:ecr:us-east-1:123456789012:repository/other/team/api", "no"],
        ["github", "ecr:CreateRepository", "arn:aws:ecr:us-east-1:123456789012:repository/team/new", "yes"],
        ["github", "ecr:PutLifecyclePolicy", "arn:aws:ecr:us-east-1:123456789012:repository/team/api", "yes"],
        ["github", "ecr:DescribeImageScanFindings", "arn:aws:ecr:us-east-1:123456789012:repository/team/api", "yes"],
        ["github", "ecr:PutImageTagMutability", "arn:aws:ecr:us-east-1:123456789012:repository/team/api", "no"],
        ["github", "ecr:DeleteRepository", "arn:aws:ecr:us-east-1:123456789012:repository/team/api", "no"],
        ["github", "ecr:BatchDeleteImage", "arn:aws:ecr:us-east-1:123456789012:repository/team/api", "no"],
        ["github", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:gitops-AbCdEf", "yes"],
        ["github", "secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:other-AbCdEf", "no"],
        ["github", "kms:CreateGrant", "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555", "yes"],
        ["github", "kms:CreateGrant", "arn:aws:kms:us-east-1:123456789012:key/99999999-2222-3333-4444-555555555555", "no"],
        ["github", "iam:PassRole", "arn:aws:iam::123456789012:role/idp-poc-darede-cluster-github-ecr-push", "no"],
        ["github.release", "ecr:PutImage", "arn:aws:ecr:us-east-1:123456789012:repository/team/api", "yes"],
        ["github.release", "ecr:PutImage", "arn:aws:ecr:us-east-1:123456789012:repository/team/web", "no"],
        ] : call if(call[3] == "yes") != anytrue([
          for statement in jsondecode(aws_iam_policy.github[call[0]].policy).Statement :
          contains(statement.Action, call[1]) && anytrue([
            for pattern in statement.Resource :
            can(regex("^${replace(replace(pattern, "/([^A-Za-z0-9*])/", "\\$1"), "*", ".*")}$", call[2]))
          ])
      ])
    ] == []
    error_message = aws_iam_policy.github["github"].policy
  }
}

run "nodes_pull_and_nothing_else" {
  command = plan

  assert {
    condition = toset(flatten([for one in jsondecode(aws_iam_policy.ecr_pull.policy).Statement : one.Action])) == toset([
      "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
    ])
    error_message = aws_iam_policy.ecr_pull.policy
  }
  assert {
    condition     = keys(aws_iam_role_policy_attachment.ecr_pull) == ["nodes"]
    error_message = "The policy goes to other roles."
  }
}

run "other_accounts" {
  command = plan

  assert {
    condition = jsonencode([
      for one in jsondecode(aws_ecr_repository_policy.platform_apps["team/api"].policy).Statement : [one.Sid, one.Principal.AWS, contains(one.Action, "ecr:PutImage")]
      ]) == jsonencode([
      ["Pull", ["arn:aws:iam::210987654321:root"], false],
      ["Push", ["arn:aws:iam::210987654321:role/publisher"], true],
    ])
    error_message = aws_ecr_repository_policy.platform_apps["team/api"].policy
  }
}
