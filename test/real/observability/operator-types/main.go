// Reads objects of Kubernetes and of the Prometheus Operator from standard input, one after the
// other, strictly as their own Go types have them, and says of each what the types do not know.
package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	v1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	rbac "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

var kinds = map[string]func() any{
	"v1/ConfigMap":                             func() any { return &core.ConfigMap{} },
	"v1/Namespace":                             func() any { return &core.Namespace{} },
	"v1/Service":                               func() any { return &core.Service{} },
	"v1/ServiceAccount":                        func() any { return &core.ServiceAccount{} },
	"apps/v1/DaemonSet":                        func() any { return &apps.DaemonSet{} },
	"apps/v1/Deployment":                       func() any { return &apps.Deployment{} },
	"batch/v1/Job":                             func() any { return &batch.Job{} },
	"networking.k8s.io/v1/NetworkPolicy":       func() any { return &networking.NetworkPolicy{} },
	"rbac.authorization.k8s.io/v1/ClusterRole": func() any { return &rbac.ClusterRole{} },
	"rbac.authorization.k8s.io/v1/ClusterRoleBinding":   func() any { return &rbac.ClusterRoleBinding{} },
	"monitoring.coreos.com/v1/Alertmanager":             func() any { return &v1.Alertmanager{} },
	"monitoring.coreos.com/v1/PodMonitor":               func() any { return &v1.PodMonitor{} },
	"monitoring.coreos.com/v1/Prometheus":               func() any { return &v1.Prometheus{} },
	"monitoring.coreos.com/v1/PrometheusRule":           func() any { return &v1.PrometheusRule{} },
	"monitoring.coreos.com/v1/ServiceMonitor":           func() any { return &v1.ServiceMonitor{} },
	"monitoring.coreos.com/v1alpha1/AlertmanagerConfig": func() any { return &v1alpha1.AlertmanagerConfig{} },
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	for _, document := range bytes.Split(input, []byte("\n---\n")) {
		var object struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if err := yaml.Unmarshal(document, &object); err != nil {
			panic(err)
		}
		kind := object.APIVersion + "/" + object.Kind
		if make, known := kinds[kind]; !known {
			fmt.Printf("unknown %s\n", kind)
		} else if err := yaml.UnmarshalStrict(document, make()); err != nil {
			fmt.Printf("wrong %s: %v\n", kind, err)
		} else {
			fmt.Printf("right %s\n", kind)
		}
	}
}
