#!/bin/bash
# Makes what the deployment keeps, and its queues, from the templates in infra/: LocalStack runs
# this once it is ready. Prints the environment of the roles.
set -euo pipefail

prefix=pombal-
shards=${POMBAL_SHARDS:-4}
topic=$(awslocal sns create-topic --name pombal-alarms --query TopicArn --output text)

# deploy <stack> <template> <parameter>=<value>…
deploy() {
  local stack=$1 template=$2
  shift 2
  awslocal cloudformation deploy --stack-name "$stack" --template-file "/pombal/infra/$template" \
    --no-fail-on-empty-changeset --parameter-overrides "$@"
}

# output <stack> <name>
output() {
  awslocal cloudformation describe-stacks --stack-name "$1" \
    --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue" --output text
}

deploy pombal-data data.yaml DeletionProtection=false ApiKey=local-key-of-pombal
deploy pombal-queues queues.yaml "Prefix=$prefix" "AlarmTopic=$topic"
for ((shard = 0; shard < shards; shard++)); do
  deploy "pombal-shard-$shard" shard.yaml "Prefix=$prefix" "Shard=$shard" "AlarmTopic=$topic"
done

cat <<END
POMBAL_TABLE=$(output pombal-data TableName)
POMBAL_QUEUES=$(output pombal-queues QueuesUrl)
POMBAL_SHARDS=$shards
POMBAL_KMS_KEY=$(output pombal-data KeyArn)
POMBAL_SESSIONS_BUCKET=$(output pombal-data SessionsBucketName)
POMBAL_MEDIA_BUCKET=$(output pombal-data MediaBucketName)
POMBAL_API_KEY_SECRET=$(output pombal-data ApiKeySecretArn)
END
touch /tmp/pombal-ready
