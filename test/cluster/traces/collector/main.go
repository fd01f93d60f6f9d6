// An OpenTelemetry collector, made of its modules: the service, the receiver for OTLP, and an exporter that
// writes each request as a line of JSON to stdout.
package main

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/provider/yamlprovider"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/otelcol"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/service/telemetry"
)

type lines struct {
	component.StartFunc
	component.ShutdownFunc
	ptrace.JSONMarshaler
}

func (lines) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

func (l lines) ConsumeTraces(_ context.Context, traces ptrace.Traces) error {
	line, err := l.MarshalTraces(traces)
	if err == nil {
		_, err = os.Stdout.Write(append(line, '\n'))
	}
	return err
}

func newLines(context.Context, exporter.Settings, component.Config) (exporter.Traces, error) {
	return lines{}, nil
}

func none() component.Config { return &struct{}{} }

func factories() (all otelcol.Factories, err error) {
	// Without loggers and meters of its own: those of OpenTelemetry are a fifth of the build.
	all.Telemetry = telemetry.NewFactory(none)
	all.Receivers, err = otelcol.MakeFactoryMap[receiver.Factory](otlpreceiver.NewFactory())
	if err != nil {
		return all, err
	}
	all.Exporters, err = otelcol.MakeFactoryMap[exporter.Factory](exporter.NewFactory(
		component.MustNewType("lines"),
		none,
		exporter.WithTraces(newLines, component.StabilityLevelDevelopment),
	))
	return all, err
}

func main() {
	command := otelcol.NewCommand(otelcol.CollectorSettings{
		BuildInfo: component.NewDefaultBuildInfo(),
		Factories: factories,
		ConfigProviderSettings: otelcol.ConfigProviderSettings{
			ResolverSettings: confmap.ResolverSettings{
				DefaultScheme:     "yaml",
				ProviderFactories: []confmap.ProviderFactory{yamlprovider.NewFactory()},
			},
		},
	})
	if err := command.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
