data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.name
}

resource "aws_ecr_repository" "platform_apps" {
  for_each = toset(length(local.problems) == 0 ? local.repositories : [])

  name                 = each.value
  image_tag_mutability = local.tag_mutability
  force_delete         = local.force_delete
  tags                 = var.tags

  image_scanning_configuration {
    scan_on_push = local.scan_on_push
  }

  encryption_configuration {
    encryption_type = local.encryption
    kms_key         = local.kms_key
  }

  lifecycle {
    # It can't be changed: to do so all the same would replace the repository, and its images would go.
    ignore_changes = [encryption_configuration]
  }
}

resource "aws_ecr_lifecycle_policy" "platform_apps" {
  for_each = { for name, repository in aws_ecr_repository.platform_apps : name => repository.name if local.lifecycle_policy == "default" }

  repository = each.value
  # The action's own default, written by `make docs`.
  policy = file("${path.module}/lifecycle-policy.json")
}

# Cross-account: the other account's role needs its own policy as well, and ecr:GetAuthorizationToken there.
resource "aws_ecr_repository_policy" "platform_apps" {
  for_each = { for name, repository in aws_ecr_repository.platform_apps : name => repository.name if length(concat(local.other_pullers, local.other_pushers)) > 0 }

  repository = each.value
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      length(local.other_pullers) == 0 ? [] : [{
        Sid       = "Pull"
        Effect    = "Allow"
        Principal = { AWS = [for one in local.other_pullers : can(regex("^[0-9]{12}$", one)) ? "arn:${local.partition}:iam::${one}:root" : one] }
        Action    = local.pull_actions
      }],
      length(local.other_pushers) == 0 ? [] : [{
        Sid       = "Push"
        Effect    = "Allow"
        Principal = { AWS = local.other_pushers }
        Action    = local.declared.publish.repository
      }],
    )
  })
}

resource "aws_ecr_registry_scanning_configuration" "registry" {
  count = local.enhanced_scanning ? 1 : 0

  scan_type = "ENHANCED"

  rule {
    scan_frequency = "SCAN_ON_PUSH"

    repository_filter {
      filter      = "*"
      filter_type = "WILDCARD"
    }
  }
}

resource "aws_ecr_replication_configuration" "registry" {
  count = length(local.replicate_to) > 0 ? 1 : 0

  replication_configuration {
    rule {
      dynamic "destination" {
        for_each = local.replicate_to

        content {
          region      = destination.value
          registry_id = local.account
        }
      }
    }
  }
}

resource "aws_ecr_repository_creation_template" "registry" {
  for_each = toset(length(local.problems) == 0 ? local.templates : [])

  prefix               = each.value
  description          = "Repositories that replication or a pull through the cache creates"
  applied_for          = ["PULL_THROUGH_CACHE", "REPLICATION"]
  image_tag_mutability = local.tag_mutability
  lifecycle_policy     = file("${path.module}/lifecycle-policy.json")

  encryption_configuration {
    encryption_type = local.encryption
    kms_key         = local.kms_key
  }

  lifecycle {
    # CREATE_ON_PUSH is put in by the command of the output further_commands; the provider does not know it.
    ignore_changes = [applied_for]
  }
}
