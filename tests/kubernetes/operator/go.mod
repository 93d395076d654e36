module operatoranswers

go 1.26.0

require (
	github.com/blang/semver/v4 v4.0.0
	github.com/prometheus-operator/prometheus-operator v0.93.0
	github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring v0.93.0
	github.com/prometheus-operator/prometheus-operator/pkg/client v0.93.0
	github.com/prometheus/common v0.70.1
	github.com/prometheus/prometheus v0.313.1
	k8s.io/api v0.36.3
	k8s.io/apimachinery v0.36.3
)
