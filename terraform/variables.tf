variable "config_file" {
  description = "Path of config.yaml: of its sections this module reads ecr and github, docs/platform.md has every key."
  type        = string
  default     = "config.yaml"
}

variable "cluster_name" {
  description = "Begins the names of the roles and of the pull policy."
  type        = string
  default     = "idp-poc-darede-cluster"
}

variable "node_roles" {
  description = "Further roles that pull, by a key of your choice: { default = module.eks.eks_managed_node_groups[\"default\"].iam_role_name }. Their names may be unknown before the first apply."
  type        = map(string)
  default     = {}
}

variable "tags" {
  description = "Tags of everything that is made here."
  type        = map(string)
  default     = {}
}
