// vanguard-go before a connect-go handler in the same process. Prints the port it listens on.
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"

	"bench/gen/reviewv1"
	"bench/gen/reviewv1/reviewv1connect"

	"connectrpc.com/connect"
	"connectrpc.com/vanguard"
)

var sentence = strings.Repeat("The plan is sound in most parts. ", 9)

type reviewServer struct{}

func (reviewServer) Review(_ context.Context, request *connect.Request[reviewv1.ReviewRequest]) (*connect.Response[reviewv1.ReviewResponse], error) {
	return connect.NewResponse(&reviewv1.ReviewResponse{
		Id:       "review-0193a5c17a117c3e",
		Answer:   sentence,
		Scores:   &reviewv1.Scores{Awareness: 0.71, Load: 0.52, Alignment: 0.93, Valence: 0.14, Asked: request.Msg.GetLimits().GetQuality()},
		Notes:    []string{"consent-stated", "tone-checked"},
		Duration: 1.25,
		Weights:  map[string]float64{"coherence": 0.91, "support": 0.87, "latency": 1.25},
	}), nil
}

func main() {
	path, handler := reviewv1connect.NewReviewServiceHandler(reviewServer{})
	transcoder, err := vanguard.NewTranscoder([]*vanguard.Service{vanguard.NewService(path, handler)})
	must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	fmt.Printf("port %d\n", listener.Addr().(*net.TCPAddr).Port)
	must(http.Serve(listener, transcoder))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
