#include "alert/notification_json.h"

#include <fmt/format.h>

#include "base/json_writer.h"
#include "base/time_format.h"

namespace cairn::alert {
namespace {

constexpr uint64_t kVersion = 1;
constexpr uint64_t kResultVersion = 3;
constexpr uint64_t kSecondsPerMinute = 60;

void text_or_null(JsonWriter& out, std::string_view text) {
  if (text.empty()) {
    out.null();
  } else {
    out.string(text);
  }
}

void number_or_null(JsonWriter& out, std::optional<double> number) {
  if (number) {
    out.number(*number);
  } else {
    out.null();
  }
}

void write_incident(JsonWriter& out, const Notification& one) {
  out.key("incident").begin_object();
  out.key("id").unsigned_integer(one.incident).key("step").unsigned_integer(one.step);
  out.key("key");
  text_or_null(out, one.key);
  out.key("severity").string(severity_name(one.to));
  out.key("previous_severity").string(severity_name(one.from));
  out.key("value");
  number_or_null(out, one.value);
  out.key("started").string(format_time(one.started));
  out.key("detected").string(format_time(one.detected));
  out.end_object();
}

void write_issue(JsonWriter& out, const Described& described) {
  const Notification& one = described.notification;
  out.key("issue").begin_object();
  out.key("project").unsigned_integer(raw(one.project)).key("number").unsigned_integer(one.number);
  out.key("short_id");
  text_or_null(out, described.short_id);
  out.key("event").string(issue_event_name(one.event)).key("occurrence");
  text_or_null(out, one.occurrence);
  out.end_object();
}

void write_notification(JsonWriter& out, const Uuid& store, const Described& described,
                        Severity least) {
  const Notification& one = described.notification;
  const bool incident = one.kind == Notification::Kind::Transition;
  out.begin_object().key("version").unsigned_integer(kVersion);
  out.key("id").string(idempotency_key(store, one));
  out.key("kind").string(incident ? "incident" : "issue");
  out.key("action").string(action_name(one, least));
  out.key("store").string(store.dashed()).key("lsn").unsigned_integer(raw(one.lsn));
  out.key("at").string(format_time(one.at));
  out.key("rule").begin_object().key("id").unsigned_integer(one.rule);
  out.key("name").string(one.rule_name).end_object();
  if (incident) {
    write_incident(out, one);
  } else {
    write_issue(out, described);
  }
  out.end_object();
}

// What was asked, in the field's words and units as far as it has any.
void write_request(JsonWriter& out, const Uuid& store, const Described& described, Severity least) {
  out.begin_object().key("dataset").string("events");
  if (const Rule* rule = described.rule.get()) {
    out.key("project").begin_array();
    for (const ProjectId project : rule->projects) out.unsigned_integer(raw(project));
    out.end_array().key("query").string(rule->query).key("environment");
    text_or_null(out, rule->environment);
    if (const MetricCondition* metric = rule->metric()) {
      out.key("aggregate").string(metric->aggregate);
      out.key("time_window").unsigned_integer(metric->time_window_min * kSecondsPerMinute);
      out.key("resolution").unsigned_integer(resolution_of(*metric) * kSecondsPerMinute);
    }
  }
  out.key("notification");
  write_notification(out, store, described, least);
  out.end_object();
}

void write_result(JsonWriter& out, const Uuid& store, const Described& described, Severity least) {
  const Notification& one = described.notification;
  const MetricCondition* metric = described.rule ? described.rule->metric() : nullptr;
  const std::string column = metric != nullptr ? metric->aggregate : "value";
  out.begin_object().key("version").unsigned_integer(kResultVersion);
  out.key("payload").begin_object();
  out.key("subscription_id").string(fmt::format("{}-r{}", store.hex(), one.rule));
  out.key("request");
  write_request(out, store, described, least);
  out.key("result").begin_object().key("data").begin_array();
  const bool incident = one.kind == Notification::Kind::Transition;
  if (incident) {
    out.begin_object().key(column);
    number_or_null(out, one.value);
    out.end_object();
  }
  out.end_array().key("meta").begin_array();
  if (incident) {
    out.begin_object().key("name").string(column).key("type").string("Float64").end_object();
  }
  out.end_array().end_object();
  out.key("timestamp").string(format_time(one.at)).key("entity").string("events");
  out.end_object().end_object();
}

}  // namespace

std::string_view action_name(const Notification& notification, Severity least) {
  if (notification.kind == Notification::Kind::Firing) return "fired";
  const auto seen = [&](Severity severity) { return severity < least ? Severity::Ok : severity; };
  const Severity from = seen(notification.from);
  const Severity to = seen(notification.to);
  if (to == Severity::Ok) return "resolved";
  if (from == Severity::Ok) return "opened";
  return to > from ? "escalated" : "eased";
}

std::string notification_text(NotificationFormat format, const Uuid& store,
                              const Described& described, Severity least) {
  JsonWriter out;
  if (format == NotificationFormat::Notification) {
    write_notification(out, store, described, least);
  } else {
    write_result(out, store, described, least);
  }
  return out.take();
}

std::string series_of(const Notification& notification) {
  if (notification.kind == Notification::Kind::Transition) {
    return fmt::format("i{}", notification.incident);
  }
  return fmt::format("f{}-{}-{}", notification.rule, raw(notification.project),
                     notification.number);
}

}  // namespace cairn::alert
