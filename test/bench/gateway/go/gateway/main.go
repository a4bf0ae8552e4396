// Contestants of the gateway bench in Go: a gRPC server, and grpc-gateway in
// process or before a gRPC server elsewhere. Prints the port it listens on.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"

	"bench/gen/reviewv1"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

var sentence = strings.Repeat("The plan is sound in most parts. ", 9)

type reviewServer struct {
	reviewv1.UnimplementedReviewServiceServer
}

func (reviewServer) Review(_ context.Context, request *reviewv1.ReviewRequest) (*reviewv1.ReviewResponse, error) {
	return &reviewv1.ReviewResponse{
		Id:       "review-0193a5c17a117c3e",
		Answer:   sentence,
		Scores:   &reviewv1.Scores{Awareness: 0.71, Load: 0.52, Alignment: 0.93, Valence: 0.14, Asked: request.GetLimits().GetQuality()},
		Notes:    []string{"consent-stated", "tone-checked"},
		Duration: 1.25,
		Weights:  map[string]float64{"coherence": 0.91, "support": 0.87, "latency": 1.25},
	}, nil
}

func main() {
	mode := flag.String("mode", "grpc", "grpc, in-process or upstream")
	upstream := flag.String("upstream", "", "address of the gRPC server")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	if *mode == "grpc" {
		server := grpc.NewServer()
		reviewv1.RegisterReviewServiceServer(server, reviewServer{})
		must(server.Serve(listener))
		return
	}
	mux := runtime.NewServeMux()
	if *mode == "in-process" {
		must(reviewv1.RegisterReviewServiceHandlerServer(context.Background(), mux, reviewServer{}))
	} else {
		options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
		must(reviewv1.RegisterReviewServiceHandlerFromEndpoint(context.Background(), mux, *upstream, options))
	}
	must(http.Serve(listener, mux))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
