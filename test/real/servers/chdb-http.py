"""The part of ClickHouse's HTTP interface that a client of it uses, over the engine of the package chdb.

Prints the port it listens on and ends with its standard input. The engine runs
one statement after another. What is tested with it is SQL: errors, settings and
parameters take the way of a server, and the wire protocol is this file's.
"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

engine = session.Session(sys.argv[1])
turn = threading.Lock()

# Of HTTP, and not of a statement.
ignored = {"database", "query_id", "query", "session_id", "wait_end_of_query", "cancel_http_readonly_queries_on_client_close", "readonly"}


def run(sql, parameters, settings):
    with turn:
        try:
            for name, value in settings.items():
                engine.query(f"set {name} = {quoted(value)}")
            return engine.query(sql, "TabSeparated", params=parameters or None).bytes()
        finally:
            for name in settings:
                engine.query(f"set {name} = default")


def quoted(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.do_POST()

    def do_POST(self):
        url = urlsplit(self.path)
        if url.path == "/ping":
            return self.answer(200, b"Ok.\n")
        given = dict(parse_qsl(url.query, keep_blank_values=True))
        body = self.body()
        sql = "\n".join(part for part in (given.get("query"), body) if part)
        parameters = {name[len("param_"):]: value for name, value in given.items() if name.startswith("param_")}
        settings = {name: value for name, value in given.items() if name not in ignored and not name.startswith("param_")}
        try:
            self.answer(200, run(sql, parameters, settings) or b"")
        except Exception as error:  # The engine has one class of errors, whose text begins with the code.
            self.answer(500, f"{error} (version chdb)\n".encode())

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks).decode()

    def answer(self, status, content):
        try:
            self.send_response(status)
            if status != 200:
                self.send_header("X-ClickHouse-Exception-Code", content.split(b".")[0].split(b" ")[-1].decode())
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
