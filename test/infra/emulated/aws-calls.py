"""Makes the AWS calls that come as JSON on standard input, and prints their answers as JSON.

A call: {"account": id or null, "region", "service", "method", "params"}; with an account, it is made as a role of that one.
An answer: what AWS says, or {"error": code}. usage: aws-calls.py <endpoint>
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT = sys.argv[1]
CONFIG = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
OWN = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
sessions = {None: OWN}


def session_of(account):
    if account not in sessions:
        role = f"arn:aws:iam::{account}:role/reader"
        sts = OWN.client("sts", endpoint_url=ENDPOINT, region_name="us-east-1", config=CONFIG)
        keys = sts.assume_role(RoleArn=role, RoleSessionName="reader")["Credentials"]
        sessions[account] = boto3.Session(
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )
    return sessions[account]


def answer(call):
    client = session_of(call["account"]).client(
        call["service"], endpoint_url=ENDPOINT, region_name=call["region"], config=CONFIG
    )
    try:
        said = getattr(client, call["method"])(**call["params"])
    except ClientError as error:
        return {"error": error.response["Error"]["Code"]}
    said.pop("ResponseMetadata", None)
    return said


json.dump([answer(call) for call in json.load(sys.stdin)], sys.stdout, default=str)
