output "ecr_repository_urls" {
  description = "URLs of the repositories, by name"
  value       = { for name, repository in aws_ecr_repository.platform_apps : name => repository.repository_url }
}

output "ecr_repository_arns" {
  description = "ARNs of the repositories, by name"
  value       = { for name, repository in aws_ecr_repository.platform_apps : name => repository.arn }
}

output "ecr_account_url" {
  description = "Host name of the account's registry"
  value       = "${local.account}.dkr.ecr.${local.region}.${data.aws_partition.current.dns_suffix}"
}

output "ecr_pull_policy_arn" {
  description = "ARN of the policy that lets nodes pull"
  value       = aws_iam_policy.ecr_pull.arn
}

output "github_oidc_provider_arn" {
  description = "ARN of GitHub's OpenID Connect provider; null without enable_oidc"
  value       = local.enable_oidc ? local.provider_arn : null
}

output "github_ecr_push_role_arn" {
  description = "ARN of the role that workflows assume: the secret AWS_ROLE_ARN; null without enable_oidc"
  value       = try(aws_iam_role.github["github"].arn, null)
}

output "github_ecr_release_role_arn" {
  description = "ARN of the role for releases; null without github.release"
  value       = try(aws_iam_role.github["github.release"].arn, null)
}

output "further_commands" {
  description = "What config.yaml asks for and the provider can't say: run each once"
  value = concat(
    local.blob_mounting ? ["aws ecr put-account-setting --name BLOB_MOUNTING --value ENABLED --region ${local.region}"] : [],
    local.create_on_push ? [for prefix in local.templates : "aws ecr update-repository-creation-template --prefix ${prefix} --applied-for CREATE_ON_PUSH PULL_THROUGH_CACHE REPLICATION --region ${local.region}"] : [],
  )
}
