package clients_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/oauth"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/connectorauth/connectorauth/authtest"
)

// gRPC has no http.Client, so it takes the token alone.
func TestGRPCCallsCarryTheToken(t *testing.T) {
	p := authtest.NewProvider(t)
	c := forClient(p)
	want, err := c.Token(t.Context())
	require.NoError(t, err)

	certified := httptest.NewUnstartedServer(nil) // lends its certificate
	certified.StartTLS()
	defer certified.Close()
	var calls atomic.Int32
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(&tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"h2"}})),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
			calls.Add(1)
			got := metadata.ValueFromIncomingContext(ctx, "authorization")
			if len(got) != 1 || got[0] != "Bearer "+want.AccessToken {
				return nil, status.Errorf(codes.Unauthenticated, "got %d authorization values", len(got))
			}
			return handle(ctx, req)
		}))
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	serving := make(chan error, 1)
	go func() { serving <- server.Serve(listener) }()
	defer func() {
		server.Stop()
		assert.NoError(t, <-serving)
	}()

	roots := certified.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	conn, err := grpc.NewClient(listener.Addr().String(),
		grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(roots, "")),
		grpc.WithPerRPCCredentials(oauth.TokenSource{TokenSource: c.TokenSource(t.Context())}))
	require.NoError(t, err)
	defer conn.Close()
	for range 5 {
		answer, err := grpc_health_v1.NewHealthClient(conn).Check(t.Context(), &grpc_health_v1.HealthCheckRequest{})
		require.NoError(t, err)
		assert.Equal(t, grpc_health_v1.HealthCheckResponse_SERVING, answer.GetStatus())
	}
	assert.EqualValues(t, 5, calls.Load())
	assert.Equal(t, 1, p.Stats().TokenRequests)
}
