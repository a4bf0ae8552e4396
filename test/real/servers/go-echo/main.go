// A gRPC server that sends each message back as it came, whatever the method
// of which service: /x/Sleep does so after a minute, /x/Fail not at all.
// Prints the port it listens on.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type plain struct{}

func (plain) Name() string                        { return "proto" }
func (plain) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (plain) Unmarshal(data []byte, into any) error {
	*into.(*[]byte) = append([]byte{}, data...)
	return nil
}

func echo(_ any, stream grpc.ServerStream) error {
	var message []byte
	if err := stream.RecvMsg(&message); err != nil {
		return err
	}
	method, _ := grpc.MethodFromServerStream(stream)
	if strings.HasSuffix(method, "/Fail") {
		return status.Error(codes.FailedPrecondition, "as asked: ä")
	}
	if strings.HasSuffix(method, "/Sleep") {
		select {
		case <-time.After(time.Minute):
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
	given, _ := metadata.FromIncomingContext(stream.Context())
	stream.SetTrailer(metadata.Pairs("x-given", strings.Join(given.Get("x-given"), ",")))
	return stream.SendMsg(&message)
}

func main() {
	age := flag.Duration("age", time.Hour, "how old a connection gets before it is sent away")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	server := grpc.NewServer(
		grpc.ForceServerCodec(plain{}),
		grpc.UnknownServiceHandler(echo),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: *age}),
	)
	log.Fatal(server.Serve(listener))
}
