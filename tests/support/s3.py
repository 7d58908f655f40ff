"""An S3 server over loopback (moto's), as a process of its own that a test may stop."""

from __future__ import annotations

import functools
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

BUCKET = "results"


@dataclass
class S3Server:
    """A server that runs, with an empty bucket ``results``."""

    process: subprocess.Popen[bytes]
    address: str

    @property
    def url(self) -> str:
        return f"s3://{BUCKET}/team"

    @functools.cached_property
    def client(self) -> Any:
        """boto3's client, to look at what is there and to do harm to it."""
        import boto3

        return boto3.client("s3", endpoint_url=self.address, region_name="us-east-1",
                            aws_access_key_id="k", aws_secret_access_key="s")  # fmt: skip

    def names(self) -> list[str]:
        objects = self.client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return [one["Key"] for one in objects]

    def ask_for_credentials(self, yes: bool) -> None:
        """From now on, accept only credentials that the server itself gave out; there are none."""
        count = b"0" if yes else b"1000000000"
        headers = {"Content-Type": "text/plain"}
        request = urllib.request.Request(f"{self.address}/moto-api/reset-auth", count, headers)
        urllib.request.urlopen(request, timeout=10).close()

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def environment(address: str) -> dict[str, str]:
    """What a user sets to reach an S3 server of his own."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "k",
        "AWS_SECRET_ACCESS_KEY": "s",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_s3() -> S3Server:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    server = S3Server(process, f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{server.address}/moto-api/data.json", timeout=5).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline, "the S3 server does not start"
            time.sleep(0.05)
    server.client.create_bucket(Bucket=BUCKET)
    return server
