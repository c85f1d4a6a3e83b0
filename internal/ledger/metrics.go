package ledger

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics measures a writer. Whoever makes it registers it.
type Metrics struct {
	commands *prometheus.CounterVec
	refusals *prometheus.CounterVec
	events   prometheus.Counter
	lost     prometheus.Counter
	batch    prometheus.Histogram
	seconds  prometheus.Histogram
	position prometheus.Gauge
}

// NewMetrics makes the metrics of one writer.
func NewMetrics() *Metrics {
	return &Metrics{
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "soquy_commands_total", Help: "Commands that were answered.",
		}, []string{"answer"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "soquy_refusals_total", Help: "Commands that were refused, by code.",
		}, []string{"code"}),
		events: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "soquy_events_total", Help: "Events that were appended.",
		}),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "soquy_lost_swaps_total", Help: "Appends that another process was faster than.",
		}),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "soquy_batch_commands", Help: "Commands in one commit.", Buckets: prometheus.ExponentialBuckets(1, 4, 6),
		}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "soquy_batch_seconds", Help: "Time from taking a batch to its durable commit.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
		position: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "soquy_position", Help: "Position of the last event; the read models are at the same.",
		}),
	}
}

// Collectors returns what is to be registered.
func (m *Metrics) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.commands, m.refusals, m.events, m.lost, m.batch, m.seconds, m.position}
}

// committed counts a batch that is stored.
func (m *Metrics) committed(b *batch, commands int, took time.Duration, position int64) {
	if m == nil {
		return
	}
	m.batch.Observe(float64(commands))
	m.seconds.Observe(took.Seconds())
	m.events.Add(float64(len(b.Records)))
	m.position.Set(float64(position))
	m.commands.WithLabelValues("accepted").Add(float64(len(b.accepted)))
	m.commands.WithLabelValues("repeated").Add(float64(len(b.repeats)))
	for i := range b.answers {
		switch r := b.answers[i].a.Refusal; {
		case r != nil:
			m.commands.WithLabelValues("refused").Inc()
			m.refusals.WithLabelValues(string(r.Code)).Inc()
		case b.answers[i].a.Repeat:
			m.commands.WithLabelValues("repeated").Inc()
		}
	}
}

func (m *Metrics) lostSwap() {
	if m != nil {
		m.lost.Inc()
	}
}
