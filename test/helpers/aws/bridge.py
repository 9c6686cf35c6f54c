"""Makes AWS calls for a test: one JSON request a line on standard input, one JSON answer a line on standard output.

Requests: {"id", "service", "action" (camel case), "parameters" (Pascal case), "region", "endpoint", "credentials"?}
and {"id", "model": service} for the shapes of a service's operations. boto3 comes with moto.
"""
import base64
import datetime
import json
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

ERRORS_ARE_TRIED_AGAIN_BY_THE_CALLER = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, parameter_validation=True)
SESSION = botocore.session.get_session()
LOADER = SESSION.get_component("data_loader")
CLIENTS = {}
LOCK = threading.Lock()


def client(service, region, endpoint, credentials):
    key = (service, region, endpoint, json.dumps(credentials, sort_keys=True))
    with LOCK:
        if key not in CLIENTS:
            CLIENTS[key] = boto3.client(
                service,
                region_name=region,
                endpoint_url=endpoint,
                aws_access_key_id=credentials["accessKeyId"],
                aws_secret_access_key=credentials["secretAccessKey"],
                aws_session_token=credentials.get("sessionToken"),
                config=ERRORS_ARE_TRIED_AGAIN_BY_THE_CALLER,
            )
        return CLIENTS[key]


def operation(service_client, action):
    """The operation's model, by its name in camel case."""
    model = service_client.meta.service_model
    for name in model.operation_names:
        if name.lower() == action.lower():
            return model.operation_model(name)
    raise ValueError(f"no operation {action}")


def to_model(shape, value):
    """Step Functions writes every member in Pascal case; some models do not."""
    if shape.type_name == "structure" and isinstance(value, dict):
        members = {name[:1].upper() + name[1:]: name for name in shape.members}
        return {members.get(key, key): to_model(shape.members[members[key]], inner) if key in members else inner for key, inner in value.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [to_model(shape.member, item) for item in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {key: to_model(shape.value, item) for key, item in value.items()}
    if shape.type_name == "blob" and not isinstance(value, (bytes, str)):
        return json.dumps(value).encode()
    return value


def from_model(value):
    """An answer as Step Functions gives it: plain JSON, members in Pascal case."""
    if isinstance(value, dict):
        return {key[:1].upper() + key[1:]: from_model(inner) for key, inner in value.items() if key != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [from_model(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.") + f"{value.microsecond // 1000:03d}Z"
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if hasattr(value, "read"):
        return value.read().decode("utf-8", "replace")
    return value


def call(request):
    service_client = client(request["service"], request["region"], request["endpoint"], request["credentials"])
    model = operation(service_client, request["action"])
    parameters = to_model(model.input_shape, request["parameters"]) if model.input_shape else {}
    method = next(python for python, name in service_client.meta.method_to_api_mapping.items() if name == model.name)
    answered = getattr(service_client, method)(**parameters)
    return {"result": from_model(answered), "requestId": answered["ResponseMetadata"]["HTTPHeaders"].get("x-amzn-requestid")}


def shape_of(shape, seen=()):
    if shape is None:
        return {"type": "structure", "members": {}, "required": []}
    if shape.name in seen and shape.type_name in ("structure", "list", "map"):
        return {"type": "any"}
    deeper = (*seen, shape.name)
    if shape.type_name == "structure":
        members = {name[:1].upper() + name[1:]: shape_of(member, deeper) for name, member in shape.members.items()}
        return {"type": "structure", "members": members, "required": [name[:1].upper() + name[1:] for name in shape.required_members]}
    if shape.type_name == "list":
        return {"type": "list", "member": shape_of(shape.member, deeper)}
    if shape.type_name == "map":
        return {"type": "map", "value": shape_of(shape.value, deeper)}
    limits = {key: shape.metadata[key] for key in ("min", "max", "pattern") if key in shape.metadata}
    return {"type": shape.type_name, **({"enum": shape.enum} if getattr(shape, "enum", None) else {}), **limits}


def models(request):
    service = SESSION.get_service_model(request["model"])
    names = {name.lower(): name for name in service.operation_names}
    answer = {}
    for action in request["actions"]:
        name = names.get(action.lower())
        answer[action] = None if name is None else {"name": name, "input": shape_of(service.operation_model(name).input_shape)}
    return answer


def answer(line):
    request = json.loads(line)
    try:
        result = {"result": models(request)} if "model" in request else call(request)
    except ClientError as error:
        said = error.response.get("Error", {})
        result = {"error": said.get("Code", "Unknown"), "message": said.get("Message", str(error)), "status": error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")}
        result["requestId"] = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("x-amzn-requestid")
    except ParamValidationError as error:
        result = {"error": "ParamValidationError", "message": str(error), "status": 0}
    except Exception as error:  # the caller is told of everything, and decides
        result = {"error": type(error).__name__, "message": str(error), "status": 0}
    with LOCK:
        sys.stdout.write(json.dumps({"id": request["id"], **result}) + "\n")
        sys.stdout.flush()


with ThreadPoolExecutor(max_workers=8) as pool:
    for text in sys.stdin:
        pool.submit(answer, text)
