package app

import (
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// poolCollectors meter the connection pools of a database; SQLite has none.
func poolCollectors(db database) []prometheus.Collector {
	pg, ok := db.(*postgresDatabase)
	if !ok {
		return nil
	}
	return []prometheus.Collector{&poolCollector{
		pools: pg.Pools,
		connections: prometheus.NewDesc("soquy_postgres_connections", "Connections of a pool by state: idle, busy or opening.",
			[]string{"pool", "state"}, nil),
		limit: prometheus.NewDesc("soquy_postgres_connections_limit", "The most connections that a pool opens (pool_max_conns).",
			[]string{"pool"}, nil),
		opened: prometheus.NewDesc("soquy_postgres_connections_opened_total", "Connections that were opened.", []string{"pool"}, nil),
		closed: prometheus.NewDesc("soquy_postgres_connections_closed_total", "Connections that were closed, by why: age or idle.",
			[]string{"pool", "why"}, nil),
		acquired: prometheus.NewDesc("soquy_postgres_acquires_total", "How often a connection was taken from a pool, by result.",
			[]string{"pool", "result"}, nil),
		waited: prometheus.NewDesc("soquy_postgres_acquire_wait_seconds_total", "Time spent waiting for a connection of an empty pool.",
			[]string{"pool"}, nil),
	}}
}

// poolCollector reads the figures of the pools when it is asked.
type poolCollector struct {
	pools                                                func() map[string]*pgxpool.Stat
	connections, limit, opened, closed, acquired, waited *prometheus.Desc
}

func (c *poolCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.connections, c.limit, c.opened, c.closed, c.acquired, c.waited} {
		out <- d
	}
}

func (c *poolCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	for name, s := range c.pools() {
		gauge(c.connections, float64(s.IdleConns()), name, "idle")
		gauge(c.connections, float64(s.AcquiredConns()), name, "busy")
		gauge(c.connections, float64(s.ConstructingConns()), name, "opening")
		gauge(c.limit, float64(s.MaxConns()), name)
		count(c.opened, float64(s.NewConnsCount()), name)
		count(c.closed, float64(s.MaxLifetimeDestroyCount()), name, "age")
		count(c.closed, float64(s.MaxIdleDestroyCount()), name, "idle")
		count(c.acquired, float64(s.AcquireCount()), name, "taken")
		count(c.acquired, float64(s.CanceledAcquireCount()), name, "given_up")
		count(c.waited, s.EmptyAcquireWaitTime().Seconds(), name)
	}
}
