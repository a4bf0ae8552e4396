import type { OutgoingHttpHeaders } from "node:http";
import type { Http2ServerResponse } from "node:http2";

const ok = "0";
const deadlineExceeded = "4";

/**
 * Lets a gRPC error that comes before any message leave in one header block
 * that ends the stream ("Trailers-Only" in the gRPC protocol). Connect sends it
 * in a block of its own after the headers, which Envoy does not look at when it
 * decides on a retry.
 *
 * An exceeded deadline keeps its own block for just that reason: callers who
 * wait too little would have Envoy eject a healthy replica.
 */
export function leaveTrailersOnly(response: Http2ServerResponse): void {
  const { writeHead, write, addTrailers, end } = response;
  let head: { status: number; headers: OutgoingHttpHeaders } | undefined;
  let trailers: OutgoingHttpHeaders | undefined;
  const sendHead = () => {
    if (head && !response.headersSent) Reflect.apply(writeHead, response, [head.status, head.headers]);
  };
  const sendError = ({ status, headers }: NonNullable<typeof head>) => {
    response.statusCode = status;
    for (const [name, value] of Object.entries({ ...headers, ...trailers })) {
      if (value !== undefined) response.setHeader(name, value as string);
    }
    // Without a head so far, ending writes one that ends the stream.
    return Reflect.apply(end, response, []);
  };
  Object.assign(response, {
    writeHead(status: number, headers: OutgoingHttpHeaders = {}) {
      head = { status, headers };
      return response;
    },
    write(...args: unknown[]) {
      sendHead();
      return Reflect.apply(write, response, args);
    },
    addTrailers(given: OutgoingHttpHeaders) {
      trailers = given;
    },
    end(...args: unknown[]) {
      response.writeHead = writeHead;
      if (head && args.length === 0 && !response.headersSent && isEarlyError(trailers))
        return sendError(head);
      sendHead();
      if (trailers) Reflect.apply(addTrailers, response, [trailers]);
      return Reflect.apply(end, response, args);
    },
  });
}

function isEarlyError(trailers: OutgoingHttpHeaders | undefined): boolean {
  const status = trailers?.["grpc-status"];
  return status !== undefined && status !== ok && status !== deadlineExceeded;
}
