"""SFTP servers are those that the user's ``ssh`` knows: fsspec would trust whoever answers first."""

from __future__ import annotations

from pathlib import Path

import paramiko

FILES = (Path("~/.ssh/known_hosts"), Path("/etc/ssh/ssh_known_hosts"))


class KnownHosts(paramiko.MissingHostKeyPolicy):
    """Accepts the host keys that are in ``FILES``, and no others."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Look the server's key up.

        Raises:
            SSHException: If it is not there, or another one is.
        """
        for path in FILES:
            file = path.expanduser()
            if file.is_file() and paramiko.HostKeys(str(file)).check(hostname, key):
                return
        raise paramiko.SSHException(f"the key of {hostname} is not in {FILES[0]}; connect once with ssh to accept it")
