"""An app: it knows S3_BUCKET and the AWS_* that every S3 client reads, and nothing of addonkit."""

import os

import boto3

bucket = os.environ["S3_BUCKET"]
key = os.environ.get("S3_PREFIX", "") + "hello.txt"
s3 = boto3.client("s3")
s3.put_object(Bucket=bucket, Key=key, Body=b"kept in a bucket of its own")
print(f"{key}: {s3.get_object(Bucket=bucket, Key=key)['Body'].read().decode()}")
