//go:build !rig_api && !rig_cp

package main

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/miekg/dns"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/clientcmd"
)

func init() { components["rig-dns"] = serveNames }

// names resolves the names that test clusters use: services, pods of headless services, and such a pod by its host name.
// It replaces CoreDNS, which needs other versions of the same libraries, so that they would be compiled twice.
type names struct {
	zone     string
	services corelisters.ServiceLister
	slices   discoverylisters.EndpointSliceLister
}

func serveNames() int {
	flags := flag.NewFlagSet("rig-dns", flag.ExitOnError)
	config := flags.String("kubeconfig", "", "how to reach the API server")
	zone := flags.String("zone", "cluster.local.", "the cluster's domain")
	listen := flags.String("listen", ":53", "where DNS is served, over UDP and TCP")
	ready := flags.String("ready", "127.0.0.1:8181", "where HTTP says that names can be asked for")
	_ = flags.Parse(os.Args[1:]) // ExitOnError
	if err := serve(*config, *zone, *listen, *ready); err != nil {
		fmt.Fprintln(os.Stderr, "rig-dns:", err)
		return 1
	}
	return 0
}

func serve(kubeconfig, zone, listen, ready string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	handler := names{zone, factory.Core().V1().Services().Lister(), factory.Discovery().V1().EndpointSlices().Lister()}
	// These calls register the informers.
	factory.Core().V1().Services().Informer()
	factory.Discovery().V1().EndpointSlices().Informer()
	factory.Start(nil)
	factory.WaitForCacheSync(nil)

	failed := make(chan error, 3)
	for _, network := range []string{"udp", "tcp"} {
		server := dns.Server{Addr: listen, Net: network, Handler: handler}
		go func() { failed <- server.ListenAndServe() }()
	}
	go func() {
		failed <- http.ListenAndServe(ready, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	}()
	return <-failed
}

func (n names) ServeDNS(w dns.ResponseWriter, query *dns.Msg) {
	answer := new(dns.Msg)
	answer.SetReply(query)
	answer.Authoritative = true
	answer.Rcode = dns.RcodeNameError // names outside of the cluster do not exist
	if len(query.Question) == 1 {
		question := query.Question[0]
		if addresses, known := n.addresses(strings.ToLower(question.Name)); known {
			answer.Rcode = dns.RcodeSuccess
			if question.Qtype == dns.TypeA {
				for _, address := range addresses {
					header := dns.RR_Header{Name: question.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 2}
					answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: address})
				}
			}
		}
	}
	if network := w.LocalAddr().Network(); network == "udp" {
		answer.Truncate(dns.MinMsgSize)
	}
	_ = w.WriteMsg(answer) // the client will retry
}

// addresses of a name such as "web.default.svc.cluster.local." or "pod.web.default.svc.cluster.local.", and whether there
// is that name at all: one without an address is another answer than none.
func (n names) addresses(name string) ([]net.IP, bool) {
	parts := strings.Split(strings.TrimSuffix(name, ".svc."+n.zone), ".")
	if !strings.HasSuffix(name, ".svc."+n.zone) || len(parts) < 2 || len(parts) > 3 {
		return nil, false
	}
	namespace, service := parts[len(parts)-1], parts[len(parts)-2]
	found, err := n.services.Services(namespace).Get(service)
	if err != nil {
		return nil, false
	}
	if len(parts) == 2 && found.Spec.ClusterIP != core.ClusterIPNone {
		return []net.IP{net.ParseIP(found.Spec.ClusterIP)}, true
	}
	slices, err := n.slices.EndpointSlices(namespace).List(labels.SelectorFromSet(labels.Set{discovery.LabelServiceName: service}))
	if err != nil {
		return nil, false
	}
	addresses := []net.IP{}
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready != nil && !*endpoint.Conditions.Ready {
				continue
			}
			for _, text := range endpoint.Addresses {
				if address := net.ParseIP(text).To4(); address != nil && (len(parts) == 2 || isHost(endpoint, text, parts[0])) {
					addresses = append(addresses, address)
				}
			}
		}
	}
	return addresses, len(parts) == 2 || len(addresses) > 0
}

// isHost says whether an endpoint has this host name; an endpoint without one is named by its address.
func isHost(endpoint discovery.Endpoint, address, host string) bool {
	if endpoint.Hostname != nil && *endpoint.Hostname != "" {
		return *endpoint.Hostname == host
	}
	return strings.ReplaceAll(address, ".", "-") == host
}
