package lab

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// IMDSEndpoint is the URL of the instance metadata service of an instance in the Home zone, for AWS_EC2_METADATA_SERVICE_ENDPOINT.
// It speaks IMDSv2 only, and knows placement/availability-zone, placement/availability-zone-id and placement/region, the mac of the instance's one
// network interface, and of that subnet-ipv4-cidr-block: see Subnet.
func (l *Lab) IMDSEndpoint() string { return l.home.imds.url }

// IMDSEndpointIn is IMDSEndpoint in another zone; "" if there is none of that name.
func (l *Lab) IMDSEndpointIn(zone string) string {
	if z := l.zone(zone); z != nil {
		return z.imds.url
	}
	return ""
}

const (
	tokenHeader    = "X-Aws-Ec2-Metadata-Token"
	tokenTTLHeader = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
)

type metadata struct {
	url    string
	server *http.Server
	values map[string]string // by what comes after meta-data/
	now    func() time.Time

	mu     sync.Mutex
	tokens map[string]time.Time // when they expire
}

func newMetadata(l *Lab, z *zone) (*metadata, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("imds: %w", err)
	}
	m := &metadata{url: "http://" + ln.Addr().String(), now: time.Now, tokens: map[string]time.Time{}}
	mac := fmt.Sprintf("0e:49:61:0f:c3:%02x", z.number)
	m.values = map[string]string{
		"placement/availability-zone": z.Name, "placement/availability-zone-id": z.ID, "placement/region": l.region,
		"mac": mac,
	}
	if subnet := l.Subnet(z.Name); subnet.IsValid() {
		m.values["network/interfaces/macs/"+mac+"/subnet-ipv4-cidr-block"] = subnet.String()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", m.token)
	mux.HandleFunc("GET /latest/meta-data/{key...}", m.checked(m.value))
	mux.HandleFunc("GET /", m.checked(http.NotFound))
	m.server = &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	l.running.Go(func() { _ = m.server.Serve(ln) })
	return m, nil
}

func (m *metadata) close() { _ = m.server.Close() }

// token follows https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html: one second to six hours, no proxies.
func (m *metadata) token(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Forwarded-For") != "" {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	ttl, err := strconv.Atoi(r.Header.Get(tokenTTLHeader))
	if err != nil || ttl < 1 || ttl > 21600 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	token := requestID()
	m.mu.Lock()
	m.tokens[token] = m.now().Add(time.Duration(ttl) * time.Second)
	m.mu.Unlock()
	w.Header().Set(tokenTTLHeader, strconv.Itoa(ttl))
	_, _ = io.WriteString(w, token)
}

// checked answers 401 to a request whose token is missing, wrong or expired.
func (m *metadata) checked(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		expires, ok := m.tokens[r.Header.Get(tokenHeader)]
		m.mu.Unlock()
		if !ok || !m.now().Before(expires) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func (m *metadata) value(w http.ResponseWriter, r *http.Request) {
	value, ok := m.values[r.PathValue("key")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, value)
}
