#include "server/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace cairn::server {
namespace {

constexpr std::array<std::string_view, kCallKinds> kKinds = {
    "search", "aggregate", "run", "ingest", "gateway", "execute", "issue", "alert"};
// As schema/issue_store.capnp numbers them.
constexpr std::array<std::string_view, 10> kReasons = {
    "internal", "invalid_argument", "not_found",   "conflict", "corruption",
    "io",       "exhausted",        "unsupported", "closed",   "denied"};

class Page {
 public:
  void head(std::string_view name, std::string_view type, std::string_view help) {
    out_ += fmt::format("# HELP cairn_{0} {2}\n# TYPE cairn_{0} {1}\n", name, type, help);
  }
  void one(std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
    head(name, type, help);
    out_ += fmt::format("cairn_{} {}\n", name, value);
  }
  std::string& text() { return out_; }

 private:
  std::string out_;
};

void write_store(Page& page, const engine::Stats& stats) {
  page.one("lsn", "counter", "Last visible record", raw(stats.last_lsn));
  page.one("checkpoint_lsn", "counter", "Last record in the index", raw(stats.checkpoint_lsn));
  page.one("occurrences", "gauge", "Occurrences kept", stats.kept_occurrences);
  page.one("issues", "gauge", "Visible issues", stats.issues);
  page.one("groups", "gauge", "Groups, hidden ones included", stats.groups);
  page.one("fingerprints", "gauge", "Deciding fingerprints", stats.fingerprints);
  page.one("head_occurrences", "gauge", "Occurrences not yet in a segment", stats.head_occurrences);
  page.one("head_bytes", "gauge", "Memory of the head", stats.head_bytes);
  page.one("segments", "gauge", "Sealed segments", stats.segments.size());
  page.one("log_files", "gauge", "Files of the log", stats.log_files);
  page.one("log_bytes", "gauge", "Bytes of the log", stats.log_bytes);
  page.one("index_bytes", "gauge", "Bytes of the index in use", stats.index_bytes);
  page.one("index_file_bytes", "gauge", "Bytes of the index's file", stats.index_file_bytes);
  page.one("index_written_bytes_total", "counter", "Written to the index over its life",
           stats.index_bytes_written);
  page.one("lmdb_readers", "gauge", "Reader slots of LMDB in use", stats.readers);
  page.one("lmdb_max_readers", "gauge", "Reader slots of LMDB", stats.max_readers);
  page.one("older_states", "gauge", "States that long questions still read, beside the newest",
           stats.older_states);
  page.one("state_copies_total", "counter", "Copies made so that writing could go on beside them",
           stats.state_copies);
}

void write_alerts(Page& page, const AlertFacts& facts) {
  const engine::AlertFigures& figures = facts.figures;
  page.one("alert_rules", "gauge", "Alert rules", figures.rules);
  page.one("alert_subscriptions", "gauge", "Rules that count something", figures.subscriptions);
  page.one("alert_evaluations", "gauge", "Different evaluations that these share",
           figures.evaluations);
  page.one("alert_filters", "gauge", "Different filters that these share", figures.filters);
  page.one("alert_filters_scanned", "gauge", "Filters that every occurrence is held against",
           figures.scanned);
  page.one("alert_unfilled", "gauge", "Evaluations whose windows are being filled",
           figures.unfilled);
  page.one("alert_troubled", "gauge", "Rules that cannot be evaluated", figures.troubled);
  page.one("alert_memory_bytes", "gauge", "Memory of filters and windows", figures.memory_bytes);
  page.one("alert_ticks_total", "counter", "Ticks evaluated since opening", figures.ticks);
  page.one("alert_matches_total", "counter", "Filters that matched occurrences, since opening",
           figures.matched);
  page.head("alert_uncounted_total", "counter", "Occurrences not counted since opening, and why");
  const std::array<std::pair<std::string_view, uint64_t>, 3> lost = {
      {{"late", figures.late}, {"early", figures.early}, {"no_room", figures.not_kept}}};
  for (const auto& [reason, count] : lost) {
    page.text() += fmt::format("cairn_alert_uncounted_total{{reason=\"{}\"}} {}\n", reason, count);
  }
  page.one("alert_incidents_open", "gauge", "Open incidents", facts.open_incidents);
  page.one("alert_incidents_total", "counter", "Incidents ever", facts.incidents);
  if (!facts.last_tick_age_us) return;
  page.head("alert_last_tick_age_seconds", "gauge", "How long ago the last tick was");
  page.text() += fmt::format("cairn_alert_last_tick_age_seconds {:.3f}\n",
                             static_cast<double>(*facts.last_tick_age_us) / 1e6);
}

// One line for each destination; names need no escapes.
template <class Value>
void write_column(Page& page, const AllDeliveryCounts& all, std::string_view name,
                  std::string_view labels, const Value& value) {
  for (const auto& one : all) {
    page.text() += fmt::format("cairn_delivery_{}{{destination=\"{}\"{}}} {}\n", name, one->name,
                               labels, value(*one));
  }
}

void write_deliveries(Page& page, const AllDeliveryCounts& all, TimeUs now) {
  using Counts = DeliveryCounts;
  const auto value = [](std::atomic<uint64_t> Counts::*member) {
    return [member](const Counts& one) { return (one.*member).load(); };
  };
  page.head("delivery_sent_total", "counter", "Notifications delivered");
  write_column(page, all, "sent_total", "", value(&Counts::sent));
  page.head("delivery_retried_total", "counter", "Attempts that failed and are made again");
  write_column(page, all, "retried_total", "", value(&Counts::retried));
  page.head("delivery_dead_total", "counter", "Notifications given up, kept as dead letters");
  write_column(page, all, "dead_total", "", value(&Counts::dead));
  page.head("delivery_skipped_total", "counter", "Notifications not sent: too old, or not wanted");
  write_column(page, all, "skipped_total", ",reason=\"old\"", value(&Counts::old));
  write_column(page, all, "skipped_total", ",reason=\"unwanted\"", value(&Counts::unwanted));
  page.head("delivery_waiting", "gauge", "Notifications taken over and not delivered");
  write_column(page, all, "waiting", "", value(&Counts::waiting));
  page.head("delivery_oldest_seconds", "gauge", "Age of the oldest of these; 0 = none");
  write_column(page, all, "oldest_seconds", "", [now](const Counts& one) {
    const int64_t oldest = one.oldest_us.load();
    const int64_t age = oldest == 0 ? 0 : std::max<int64_t>(0, raw(now) - oldest);
    return static_cast<double>(age) / kMicrosPerSecond;
  });
}

}  // namespace

AlertFacts alert_facts(const engine::Store& store, TimeUs now) {
  AlertFacts facts;
  facts.figures = store.alert_figures();
  const auto snapshot = store.snapshot();
  if (!snapshot) return facts;
  const alert::AlertState& alerts = (*snapshot)->alerts();
  facts.incidents = alerts.last_incident();
  facts.open_incidents = static_cast<uint64_t>(
      std::count_if(alerts.incidents().begin(), alerts.incidents().end(),
                    [](const auto& one) { return !one.second->incident.closed; }));
  if (alerts.last_tick()) facts.last_tick_age_us = raw(now) - raw(*alerts.last_tick());
  return facts;
}

void Histogram::add(double seconds) {
  size_t at = 0;
  while (at < kBounds.size() && seconds > kBounds[at]) ++at;
  counts_[at].fetch_add(1, std::memory_order_relaxed);
  micros_.fetch_add(static_cast<uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

void Histogram::write(std::string& out, std::string_view name, std::string_view labels) const {
  uint64_t sum = 0;
  for (size_t i = 0; i < kBounds.size(); ++i) {
    sum += counts_[i].load(std::memory_order_relaxed);
    out += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, kBounds[i], sum);
  }
  sum += counts_.back().load(std::memory_order_relaxed);
  out += fmt::format("{}_bucket{{{},le=\"+Inf\"}} {}\n", name, labels, sum);
  const auto micros = static_cast<double>(micros_.load(std::memory_order_relaxed));
  out += fmt::format("{0}_sum{{{1}}} {2}\n{0}_count{{{1}}} {3}\n", name, labels, micros / 1e6, sum);
}

std::string Metrics::text(const Result<engine::Stats>& stats, const AlertFacts& alerts,
                          TimeUs now) const {
  Page page;
  page.one("connections", "gauge", "Open connections", connections);
  page.one("connections_total", "counter", "Connections taken", connections_total);
  page.one("connections_cut_total", "counter",
           "Connections ended by the server: idle, stalled, broken, too large messages",
           cut_connections);
  page.one("sessions", "gauge", "Authenticated sessions", sessions);
  page.one("subscriptions", "gauge", "Live subscriptions", subscriptions);
  page.one("calls", "gauge", "Calls under way", calls_now);
  page.one("slow_queries_total", "counter", "Questions above slow_ms", slow_queries);
  page.one("digests_total", "counter", "Digests made and handed on", digests);
  page.one("digest_failures_total", "counter", "Digests that could not be made or handed on",
           digest_failures);
  page.head("ingest_lines_total", "counter", "Lines received, by what became of them");
  const std::array<std::pair<std::string_view, uint64_t>, 4> lines = {
      {{"stored", ingest_stored},
       {"duplicate", ingest_duplicates},
       {"other", ingest_other},
       {"refused", ingest_refused}}};
  for (const auto& [outcome, count] : lines) {
    page.text() += fmt::format("cairn_ingest_lines_total{{outcome=\"{}\"}} {}\n", outcome, count);
  }
  page.one("ingest_bytes_total", "counter", "Bytes of lines received", ingest_bytes);
  page.one("ingest_waiting_bytes", "gauge", "Bytes received and not acknowledged",
           ingest_waiting_bytes);
  page.head("refusals_total", "counter", "Calls refused, by reason");
  for (size_t i = 0; i < kReasons.size(); ++i) {
    page.text() += fmt::format("cairn_refusals_total{{reason=\"{}\"}} {}\n", kReasons[i],
                               refusals[i].load(std::memory_order_relaxed));
  }
  page.head("call_seconds", "histogram", "Time from a call to its answer");
  for (size_t i = 0; i < kCallKinds; ++i) {
    seconds[i].write(page.text(), "cairn_call_seconds", fmt::format("call=\"{}\"", kKinds[i]));
  }
  if (deliveries != nullptr) write_deliveries(page, *deliveries, now);
  page.one("up", "gauge", "1: the store answers", stats.ok() ? 1 : 0);
  if (stats.ok()) {
    write_store(page, *stats);
    write_alerts(page, alerts);
  }
  return std::move(page.text());
}

}  // namespace cairn::server
