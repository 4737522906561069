"""A simulator behind https: what comes in is handed on, and each side sees its own address in links and scopes."""

import contextlib
import http.client
import http.server
import pathlib
import ssl
import threading
import urllib.parse

CERTIFICATE = pathlib.Path(__file__).parent / "localhost.pem"
HOP_BY_HOP = {"connection", "content-length", "transfer-encoding", "host"}


def make_handler(inside, outside, asked):
    def encoded(url):
        return urllib.parse.quote(url, safe="").encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def hand_on(self):
            asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).replace(encoded(outside), encoded(inside))
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(inside).netloc, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            content = answer.read().replace(inside.encode(), outside.encode())
            connection.close()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = hand_on

        def log_message(self, *_):
            pass

    return Handler


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that does not like the certificate goes away: that is what some tests want to see."""


@contextlib.contextmanager
def https(simulator):
    """Yields the https://localhost URL and a list that grows by the path of each request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    asked = []
    with Server(("127.0.0.1", 0), None) as server:
        url = f"https://localhost:{server.server_address[1]}"
        server.RequestHandlerClass = make_handler(simulator.url, url, asked)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield url, asked
        finally:
            server.shutdown()
            thread.join()
