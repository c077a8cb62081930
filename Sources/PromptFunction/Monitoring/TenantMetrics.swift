internal import CoreMetrics
internal import Telemetry

/// The metrics of each tenant, whose values are taken when they are read. Belongs to the loop's thread.
///
/// How many series there are is bounded: tenants beyond the first `mostTenants` count as `_other`.
final class TenantMetrics {
    static let mostTenants = 200

    private struct Series {
        let answered, failed, cancelled, refused, input, output: Counter
        let inFlight, waiting: Gauge

        init(_ tenant: String, _ factory: any MetricsFactory) {
            func counter(_ instrument: Instrument, _ name: String, _ value: String) -> Counter {
                Counter(label: instrument.name, dimensions: [("tenant", tenant), (name, value)], factory: factory)
            }
            func gauge(_ instrument: Instrument) -> Gauge {
                Gauge(label: instrument.name, dimensions: [("tenant", tenant)], factory: factory)
            }
            answered = counter(Instruments.tenantPrompts, "outcome", "answered")
            failed = counter(Instruments.tenantPrompts, "outcome", "failed")
            cancelled = counter(Instruments.tenantPrompts, "outcome", "cancelled")
            refused = counter(Instruments.tenantPrompts, "outcome", "refused")
            input = counter(Instruments.tenantTokens, "type", "input")
            output = counter(Instruments.tenantTokens, "type", "output")
            inFlight = gauge(Instruments.tenantInFlight)
            waiting = gauge(Instruments.tenantWaiting)
        }

        func add(_ new: Tenant.Totals, since old: Tenant.Totals) {
            answered.increment(by: new.answered - old.answered)
            failed.increment(by: new.failed - old.failed)
            cancelled.increment(by: new.cancelled - old.cancelled)
            refused.increment(by: new.refused - old.refused)
            input.increment(by: new.inputTokens - old.inputTokens)
            output.increment(by: new.outputTokens - old.outputTokens)
        }
    }

    private let factory: any MetricsFactory
    private var series: [String: Series] = [:]
    /// What was counted last, by the tenants' queues, which differ also from those of former tenants.
    private var counted: [ClientIdentity: Tenant.Totals] = [:]

    init(_ factory: any MetricsFactory) { self.factory = factory }

    /// Sets the metrics to what is true now.
    func collect(_ directory: TenantDirectory, _ admission: Admission) {
        var gauges: [String: (inFlight: Int, waiting: Int)] = [:]
        for name in series.keys { gauges[name] = (0, 0) }  // a tenant may be gone
        for tenant in directory.all + Array(directory.former.values) {
            let hasOwn = series[tenant.name] != nil || series.count < Self.mostTenants
            let name = hasOwn ? tenant.name : ModelMetrics.other
            if series[name] == nil { series[name] = Series(name, factory) }
            series[name]?.add(tenant.totals, since: counted[tenant.identity] ?? .init())
            counted[tenant.identity] = tenant.totals
            gauges[name, default: (0, 0)].inFlight += tenant.inFlight
            gauges[name, default: (0, 0)].waiting += admission.waiting(of: tenant)
        }
        for (name, values) in gauges {
            series[name]?.inFlight.record(values.inFlight)
            series[name]?.waiting.record(values.waiting)
        }
    }
}
