module echo

go 1.26.0

require google.golang.org/grpc v1.84.0
