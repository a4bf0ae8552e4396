module bench

go 1.26.0

require (
	github.com/grpc-ecosystem/grpc-gateway/v2 v2.31.0
	google.golang.org/grpc v1.84.0
	google.golang.org/protobuf v1.36.12
)
