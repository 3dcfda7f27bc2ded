// Package monitoring is what to watch azaffinity with, by Prometheus and Grafana, once OpenTelemetry's Prometheus exporter, or
// a collector that names metrics as it does, has its metrics:
//
//	README.md         the metrics, by their names in OpenTelemetry and in Prometheus
//	rules.yaml        alert rules; rules_test.yaml says when each fires
//	dashboard.json    a dashboard, to import
//
// The package has tests only. They scrape a program whose zone goes down, and hold names, table, rules and dashboard against
// what is scraped; Prometheus's promtool checks the rules and reads every expression, Grafana's own types read the dashboard.
package monitoring
