# What the platform keeps: the nodes' role, of its cluster's module.

resource "aws_iam_role" "nodes" {
  name               = "default-eks-node-group"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
