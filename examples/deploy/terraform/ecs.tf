# The service of examples/ecs on Fargate. The zone comes from the task metadata.

variable "image" {
  type = string
}

resource "aws_cloudwatch_log_group" "shop" {
  name              = "/ecs/shop"
  retention_in_days = 14
}

data "aws_iam_policy_document" "ecs_tasks" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "execution" {
  name_prefix        = "shop-execution-"
  assume_role_policy = data.aws_iam_policy_document.ecs_tasks.json
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

# What the program itself may do. azaffinity adds nothing to that, since the list of endpoints comes by the environment.
data "aws_iam_policy_document" "shop" {
  statement {
    actions   = ["sqs:ListQueues"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "shop" {
  name_prefix        = "shop-"
  assume_role_policy = data.aws_iam_policy_document.ecs_tasks.json
}

resource "aws_iam_role_policy" "shop" {
  role   = aws_iam_role.shop.id
  policy = data.aws_iam_policy_document.shop.json
}

resource "aws_ecs_task_definition" "shop" {
  family                   = "shop"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "256"
  memory                   = "512"
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.shop.arn
  container_definitions = jsonencode([{
    name         = "shop"
    image        = var.image
    essential    = true
    portMappings = [{ containerPort = 8080 }]
    stopTimeout  = 30
    environment = [
      { name = "AZAFFINITY_ENDPOINTS", value = local.azaffinity_endpoints },
      { name = "AZAFFINITY_MODE", value = "prefer" },
    ]
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.shop.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "shop"
        mode                  = "non-blocking"
      }
    }
  }])
}
