# Who may assume the roles: jobs, by what GitHub says of them, against the policies of the plan. A pattern of IAM's has
# * for any text and is anchored at both ends ("IAM JSON policy elements: Condition operators", StringLike).

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

run "the_platforms_own_file" {
  command = plan

  variables {
    config_file = "tests/configs/seed.yaml"
  }

  expect_failures = [check.org_id]

  assert {
    condition = jsondecode(aws_iam_role.github["github"].assume_role_policy).Statement[0].Condition == {
      StringEquals = { "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com" }
      StringLike   = { "token.actions.githubusercontent.com:sub" = ["repo:darede-labs/*:*"] }
    }
    error_message = aws_iam_role.github["github"].assume_role_policy
  }
  assert {
    condition     = keys(aws_iam_role.github) == ["github"] && aws_iam_role.github["github"].name == "idp-poc-darede-cluster-github-ecr-push" && output.github_ecr_release_role_arn == null
    error_message = "There is a role too many, or of another name."
  }
  assert {
    condition     = aws_iam_openid_connect_provider.github[0].url == "https://token.actions.githubusercontent.com"
    error_message = "The provider is not GitHub's."
  }
  assert {
    condition     = keys(aws_ecr_repository.platform_apps) == ["platform-backend", "platform-frontend"] && output.ecr_account_url == "123456789012.dkr.ecr.us-east-1.amazonaws.com"
    error_message = "Other repositories, or another registry."
  }
}

run "ten_jobs_and_the_role_for_branches" {
  command = plan

  variables {
    config_file = "tests/configs/narrowed.yaml"
  }

  assert {
    condition = jsonencode([
      for sub in [
        "repo:darede-labs/api:ref:refs/heads/main",
        "repo:darede-labs@600000001/api@700000001:ref:refs/heads/main",
        "repo:darede-labs/web-shop:ref:refs/heads/main",
        "repo:darede-labs@600000001/web-shop@700000002:ref:refs/heads/main",
        "repo:darede-labs/other:ref:refs/heads/main",
        "repo:darede-labs-evil/api:ref:refs/heads/main",
        "repo:darede-labs@600000002/api@700000001:ref:refs/heads/main",
        "repo:darede-labs/api:ref:refs/heads/main-2",
        "repo:darede-labs/api:ref:refs/tags/v1.0.0",
        "repo:darede-labs/api:pull_request",
        ] : anytrue([
          for pattern in jsondecode(aws_iam_role.github["github"].assume_role_policy).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"] :
          can(regex("^${replace(replace(pattern, "/([^A-Za-z0-9*])/", "\\$1"), "*", ".*")}$", sub))
      ])
    ]) == jsonencode([true, true, true, true, false, false, false, false, false, false])
    error_message = aws_iam_role.github["github"].assume_role_policy
  }
  assert {
    condition = jsondecode(aws_iam_role.github["github"].assume_role_policy).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:job_workflow_ref"] == [
      "darede-labs/pipelines/.github/workflows/publish.yml@refs/heads/main",
    ]
    error_message = "The reusable workflow is not asked for."
  }
}

run "jobs_and_the_role_for_releases" {
  command = plan

  variables {
    config_file = "tests/configs/narrowed.yaml"
  }

  assert {
    condition = jsonencode([
      for sub in [
        "repo:darede-labs/api:ref:refs/tags/v1.0.0",
        "repo:darede-labs@600000001/api@700000001:environment:prod%3Aeu",
        "repo:darede-labs/api:ref:refs/heads/main",
        "repo:darede-labs/web-shop:ref:refs/tags/v1.0.0",
        "repo:darede-labs/api:environment:prod",
        ] : anytrue([
          for pattern in jsondecode(aws_iam_role.github["github.release"].assume_role_policy).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"] :
          can(regex("^${replace(replace(pattern, "/([^A-Za-z0-9*])/", "\\$1"), "*", ".*")}$", sub))
      ])
    ]) == jsonencode([true, true, false, false, false])
    error_message = aws_iam_role.github["github.release"].assume_role_policy
  }
}
