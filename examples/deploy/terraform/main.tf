# The endpoints, and the list of them that every program gets.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "vpc_id" {
  type = string
}

variable "subnet_ids" {
  description = "One subnet in each Availability Zone that programs run in: each gets an interface of each endpoint."
  type        = list(string)
}

variable "vpc_cidr" {
  type = string
}

provider "aws" {
  region = var.region
}

resource "aws_security_group" "endpoints" {
  name_prefix = "endpoints-"
  vpc_id      = var.vpc_id

  ingress {
    description = "HTTPS from the VPC: a program whose zone has no endpoint comes from another zone"
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = [var.vpc_cidr]
  }
}

resource "aws_vpc_endpoint" "this" {
  for_each            = toset(["sqs", "sts"])
  vpc_id              = var.vpc_id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  subnet_ids          = var.subnet_ids
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true
}

locals {
  # All names of all endpoints. AWS promises no order, so don't pick one by its index: azaffinity tells them apart itself.
  # An endpoint that another configuration made comes from the data source aws_vpc_endpoint, which has dns_entry, too.
  azaffinity_endpoints = join(",", flatten([for e in aws_vpc_endpoint.this : e.dns_entry[*].dns_name]))
}

output "azaffinity_endpoints" {
  value = local.azaffinity_endpoints
}
