# The function of examples/lambda. Lambda tells it the ID of its zone only, so it needs the zones' names as well.

variable "function_zip" {
  description = "A zip with the program in it, called bootstrap."
  type        = string
}

variable "queue_url" {
  type = string
}

variable "queue_arn" {
  type = string
}

# The account that is asked has to be the one that owns the endpoints: their names carry its zones' letters.
data "aws_availability_zones" "here" {
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  azaffinity_zone_names = join(",", [
    for id, name in zipmap(data.aws_availability_zones.here.zone_ids, data.aws_availability_zones.here.names) : "${id}=${name}"
  ])
}

data "aws_iam_policy_document" "lambda" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "orders" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [var.queue_arn]
  }
}

resource "aws_iam_role" "orders" {
  name_prefix        = "orders-"
  assume_role_policy = data.aws_iam_policy_document.lambda.json
}

resource "aws_iam_role_policy" "orders" {
  role   = aws_iam_role.orders.id
  policy = data.aws_iam_policy_document.orders.json
}

resource "aws_iam_role_policy_attachment" "vpc" {
  role       = aws_iam_role.orders.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}

resource "aws_lambda_function" "orders" {
  function_name    = "orders"
  role             = aws_iam_role.orders.arn
  filename         = var.function_zip
  source_code_hash = filebase64sha256(var.function_zip)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = ["arm64"]
  timeout          = 10

  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = [aws_security_group.endpoints.id]
  }

  environment {
    variables = {
      AZAFFINITY_ENDPOINTS  = local.azaffinity_endpoints
      AZAFFINITY_ZONE_NAMES = local.azaffinity_zone_names
      QUEUE_URL             = var.queue_url
    }
  }

  lifecycle {
    precondition {
      condition     = length(local.azaffinity_endpoints) + length(local.azaffinity_zone_names) < 3800
      error_message = "All variables of a Lambda function have 4 KB together. Put the endpoints into a file: see examples/lambda/template-layer.yaml."
    }
  }
}
