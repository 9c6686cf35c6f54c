# Five of the modules in somebody else's Terraform, without Node: an organization and a log archive that exist already.
# `npm run build:terraform` writes the modules to dist/terraform.

terraform {
  required_version = ">= 1.9.0"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 7.0.0"
    }
  }
}

variable "region" {
  type    = string
  default = "eu-west-1"
}

provider "aws" {
  region = var.region
}

locals {
  organization_id   = "o-exampleorg1"
  forensic_account  = "100000000004"
  log_archive       = "100000000003"
  security_tooling  = "arn:aws:iam::100000000002:root"
  key_administrator = "arn:aws:iam::100000000004:role/platform-deployment"
}

module "audit" {
  source                 = "../../dist/terraform/forensic-audit"
  account_id             = local.forensic_account
  region                 = var.region
  log_archive_account_id = local.log_archive
  key_administrator_arns = [local.key_administrator]
  alert_email            = "security@example.com"
}

# Changes in IAM and most console log-ins are reported there, whichever Region is used.
provider "aws" {
  alias  = "global"
  region = "us-east-1"
}

module "forwarded_events" {
  source        = "../../dist/terraform/forwarded-events"
  providers     = { aws = aws.global }
  account_id    = local.forensic_account
  region        = var.region
  source_region = "us-east-1"
}

module "network" {
  source                 = "../../dist/terraform/isolated-network"
  account_id             = local.forensic_account
  region                 = var.region
  organization_id        = local.organization_id
  log_archive_account_id = local.log_archive
  cidr                   = "10.80.0.0/20"
  zones                  = ["${var.region}a", "${var.region}b"]
  logs_key_arn           = module.audit.logs_key_arn
}

module "vault" {
  source                 = "../../dist/terraform/evidence-vault"
  account_id             = local.forensic_account
  region                 = var.region
  organization_id        = local.organization_id
  key_administrator_arns = [local.key_administrator]
  member_account_ids     = ["200000000001", "200000000002"]
  endpoint_ids           = [module.network.s3_endpoint_id]
}

module "roles" {
  source                        = "../../dist/terraform/forensic-roles"
  account_id                    = local.forensic_account
  region                        = var.region
  organization_id               = local.organization_id
  log_archive_account_id        = local.log_archive
  responder_principal_arns      = [local.security_tooling]
  investigator_principal_arns   = [local.security_tooling]
  data_custodian_principal_arns = [local.security_tooling]
  analyst_principal_arns        = [local.security_tooling]
  break_glass_principal_arns    = ["arn:aws:iam::100000000002:role/security-on-call"]
}

output "evidence_bucket" {
  value = module.vault.active_bucket
}
