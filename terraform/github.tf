# The OpenID Connect provider, and the roles that workflows assume.

locals {
  issuer       = "token.actions.githubusercontent.com"
  audience     = local.partition == "aws-cn" ? "sts.amazonaws.com.cn" : "sts.amazonaws.com"
  provider_arn = "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer}"
  owners       = concat(["${local.org}/"], local.org_id == "" ? [] : ["${local.org}@${local.org_id}/"])

  # Both forms of sub: repo:ORG/REPOSITORY:CONTEXT, and repo:ORG@ID/REPOSITORY@ID:CONTEXT. The organisation's name and
  # id always stand whole: in a pattern like repo:ORG* another organisation's name would match.
  contexts = {
    for role, lists in local.trust : role => coalescelist(concat(
      [for one in lists.branches : "ref:refs/heads/${one}"],
      [for one in lists.tags : "ref:refs/tags/${one}"],
      [for one in lists.environments : "environment:${replace(one, ":", "%3A")}"],
      local.admits_pull_requests[role] ? ["pull_request"] : [],
    ), ["*"])
  }
  subjects = {
    for role, lists in local.trust : role => flatten([
      for owner in local.owners : [
        for repository in coalescelist(lists.repositories, local.trust["github"].repositories, ["*"]) : [
          for context in local.contexts[role] : join("", [
            "repo:", owner,
            strcontains(owner, "@") ? (endswith(repository, "*") || strcontains(repository, "@") ? repository : "${repository}@*") : split("@", repository)[0],
            ":", context,
          ])
        ]
      ]
    ])
  }
  trust_policies = {
    for role, lists in local.trust : role => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Federated = local.provider_arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = { "${local.issuer}:aud" = local.audience }
          StringLike = merge(
            { "${local.issuer}:sub" = local.subjects[role] },
            length(lists.job_workflow_refs) == 0 ? {} : { "${local.issuer}:job_workflow_ref" = lists.job_workflow_refs },
          )
        }
      }]
    })
  }
  roles = local.enable_oidc ? { for role in local.roles_asked_for : role => {
    name     = role == "github" ? "${var.cluster_name}-github-ecr-push" : "${var.cluster_name}-github-ecr-release"
    trust    = local.trust_policies[role]
    prefixes = role == "github" ? local.prefixes : try(local.valid["github.release.prefixes"], local.prefixes)
  } } : {}
}

# No thumbprint: AWS verifies GitHub's certificate by its own list of authorities, and ignores one that is given.
resource "aws_iam_openid_connect_provider" "github" {
  count = local.enable_oidc && local.oidc_provider == "create" ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = [local.audience]
  tags           = var.tags
}

data "aws_iam_openid_connect_provider" "github" {
  count = local.enable_oidc && local.oidc_provider == "reuse" ? 1 : 0

  arn = local.provider_arn

  lifecycle {
    postcondition {
      condition     = contains(self.client_id_list, local.audience)
      error_message = "The provider that is there does not know the audience ${local.audience}. Fix: aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn ${local.provider_arn} --client-id ${local.audience}"
    }
  }
}

resource "aws_iam_role" "github" {
  for_each = local.roles

  name               = each.value.name
  description        = "GitHub Actions: publish images to Amazon ECR"
  assume_role_policy = each.value.trust
  tags               = var.tags

  lifecycle {
    # A new name would be a new role, and the ARN in every workflow's secret is of the old one.
    ignore_changes = [name]

    precondition {
      condition     = length(each.value.trust) <= 2048
      error_message = "The trust policy of ${each.value.name} has ${length(each.value.trust)} characters, IAM takes 2048. Fix: shorten ${each.key}.repositories, branches, tags or environments: one pattern with * stands for many names."
    }
  }

  depends_on = [aws_iam_openid_connect_provider.github, data.aws_iam_openid_connect_provider.github]
}

resource "aws_iam_policy" "github" {
  for_each = local.roles

  name        = each.value.name
  description = "What ecr-publish needs"
  policy      = local.push_policies[each.key]
  tags        = var.tags

  lifecycle {
    # They can't be changed: to do so all the same would replace the policy, and publishes would be refused meanwhile.
    ignore_changes = [name, description]

    precondition {
      condition     = length(local.push_policies[each.key]) <= 6144
      error_message = "The policy of ${each.value.name} has ${length(local.push_policies[each.key])} characters, IAM takes 6144. Fix: fewer ecr.prefixes, ecr.regions, github.secrets or github.signing_profiles."
    }
  }
}

resource "aws_iam_role_policy_attachment" "github" {
  for_each = local.roles

  role       = aws_iam_role.github[each.key].name
  policy_arn = aws_iam_policy.github[each.key].arn
}
