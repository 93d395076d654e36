// What Prometheus Operator makes of objects: reads them from standard input, writes prometheus.yml
// and alertmanager.yml into the folder that is named, and refuses what the operator refuses.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/blang/semver/v4"
	"github.com/prometheus-operator/prometheus-operator/pkg/alertmanager"
	amvalidation "github.com/prometheus-operator/prometheus-operator/pkg/alertmanager/validation/v1alpha1"
	v1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1alpha1"
	"github.com/prometheus-operator/prometheus-operator/pkg/assets"
	"github.com/prometheus-operator/prometheus-operator/pkg/operator"
	"github.com/prometheus-operator/prometheus-operator/pkg/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func strict(raw []byte, into any) { must(yaml.UnmarshalStrict(raw, into)) }

func main() {
	services := map[string]*v1.ServiceMonitor{}
	pods := map[string]*v1.PodMonitor{}
	scrapes := map[string]*v1alpha1.ScrapeConfig{}
	routing := map[string]*v1alpha1.AlertmanagerConfig{}
	rules := 0
	secrets := map[string]*corev1.Secret{}
	need := func(ns string, ref *corev1.SecretKeySelector) {
		if ref == nil {
			return
		}
		s := secrets[ref.Name]
		if s == nil {
			s = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: ref.Name}, Data: map[string][]byte{}}
			secrets[ref.Name] = s
		}
		s.Data[ref.Key] = []byte("https://secret.example.com/" + ref.Key)
	}
	all, err := io.ReadAll(os.Stdin)
	must(err)
	for _, raw := range bytes.Split(all, []byte("\n---\n")) {
		var head metav1.PartialObjectMetadata
		must(yaml.Unmarshal(raw, &head))
		key := head.Namespace + "/" + head.Name
		switch head.Kind {
		case "ServiceMonitor":
			services[key] = &v1.ServiceMonitor{}
			strict(raw, services[key])
		case "PodMonitor":
			pods[key] = &v1.PodMonitor{}
			strict(raw, pods[key])
		case "ScrapeConfig":
			scrapes[key] = &v1alpha1.ScrapeConfig{}
			strict(raw, scrapes[key])
		case "PrometheusRule":
			one := &v1.PrometheusRule{}
			strict(raw, one)
			for _, group := range one.Spec.Groups {
				rules += len(group.Rules)
			}
			if found := operator.ValidateRule(one.Spec, model.UTF8Validation, parser.Options{}); len(found) > 0 {
				must(fmt.Errorf("%s: %v", key, found))
			}
		case "AlertmanagerConfig":
			one := &v1alpha1.AlertmanagerConfig{}
			strict(raw, one)
			must(amvalidation.ValidateAlertmanagerConfig(one))
			for _, r := range one.Spec.Receivers {
				for _, c := range r.SlackConfigs {
					need(one.Namespace, c.APIURL)
				}
				for _, c := range r.PagerDutyConfigs {
					need(one.Namespace, c.RoutingKey)
				}
				for i := range r.MSTeamsV2Configs {
					need(one.Namespace, r.MSTeamsV2Configs[i].WebhookURL)
				}
				for _, c := range r.EmailConfigs {
					need(one.Namespace, c.AuthPassword)
				}
				for _, c := range r.WebhookConfigs {
					need(one.Namespace, c.URLSecret)
				}
				for _, c := range r.OpsGenieConfigs {
					need(one.Namespace, c.APIKey)
				}
			}
			routing[key] = one
		}
	}
	stored := []any{}
	for _, s := range secrets {
		stored = append(stored, s)
	}
	store := assets.NewTestStoreBuilder(stored...)
	server := &v1.Prometheus{ObjectMeta: metav1.ObjectMeta{Name: "k8s", Namespace: "monitoring"}}
	server.Spec.ScrapeInterval, server.Spec.EvaluationInterval = "30s", "30s"
	server.Spec.Version = "v2.42.0"
	generator, err := prometheus.NewConfigGenerator(nil, server)
	must(err)
	config, err := generator.GenerateServerConfiguration(server, services, pods, nil, scrapes, store, nil, nil, nil, nil)
	must(err)
	must(os.WriteFile(filepath.Join(os.Args[1], "prometheus.yml"), config, 0o644))
	manager := &v1.Alertmanager{ObjectMeta: metav1.ObjectMeta{Name: "main", Namespace: "monitoring"}}
	manager.Spec.AlertmanagerConfigMatcherStrategy.Type = "None"
	builder := alertmanager.NewConfigBuilder(slog.New(slog.DiscardHandler), semver.MustParse("0.28.0"), store, manager)
	must(builder.InitializeFromRawConfiguration([]byte("route: {receiver: 'null'}\nreceivers: [{name: 'null'}]\n")))
	must(builder.AddAlertmanagerConfigs(context.Background(), routing))
	routes, err := builder.MarshalJSON()
	must(err)
	must(os.WriteFile(filepath.Join(os.Args[1], "alertmanager.yml"), routes, 0o644))
	fmt.Printf("%d rules, %d monitors, %d scrape configurations, %d routings\n", rules, len(services)+len(pods), len(scrapes), len(routing))
}
