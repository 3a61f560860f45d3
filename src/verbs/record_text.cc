#include "verbs/record_text.h"

#include <fmt/format.h>

#include "alert/incident.h"
#include "base/time_format.h"
#include "model/short_id.h"
#include "verbs/output.h"

namespace cairn::verbs {
namespace {

using namespace model;  // NOLINT: every record type of the layer is named here

std::string project_name(const State& state, ProjectId id) {
  const Project* project = state.project(id);
  return project == nullptr ? fmt::format("P{}", raw(id)) : project->slug;
}

std::string group_name(const State& state, ProjectId project, uint32_t number) {
  return format_short_id(project_name(state, project), number);
}

std::string group_names(const State& state, ProjectId project,
                        const std::vector<uint32_t>& numbers) {
  std::string out;
  for (const uint32_t number : numbers) {
    if (!out.empty()) out += ", ";
    out += group_name(state, project, number);
  }
  return out;
}

std::string resolution_text(const Resolution& resolution) {
  switch (resolution.kind) {
    case ResolutionKind::Now:
      return "";
    case ResolutionKind::InRelease:
      return " in release " + resolution.version;
    case ResolutionKind::InNextRelease:
      return resolution.version.empty() ? " in the first release"
                                        : " in the release after " + resolution.version;
    case ResolutionKind::InCommit:
      break;
  }
  return " in commit " + resolution.version;
}

template <class Links>
size_t children_of(const Links& links) {
  size_t count = 0;
  for (const auto& link : links) count += link.children.size();
  return count;
}

struct Summary {
  const State& state;

  std::string operator()(const Occurrence& occurrence) const {
    return fmt::format("{} {} {}", project_name(state, occurrence.project),
                       level_name(occurrence.level()), occurrence.title.value_or("-"));
  }
  std::string operator()(const StoreCreated& created) const {
    return "store " + created.store_id.dashed();
  }
  std::string operator()(const ProjectChanged& change) const {
    std::string out = fmt::format("project {}", raw(change.project));
    if (change.slug) out += " slug " + *change.slug;
    if (change.policy) out += fmt::format(" policy {}", policy_name(*change.policy));
    if (change.auto_resolve_hours) {
      out += fmt::format(" auto-resolve {}h", *change.auto_resolve_hours);
    }
    if (change.escalation_threshold) {
      out += fmt::format(" escalation {}/h", *change.escalation_threshold);
    }
    if (change.hold_back) out += *change.hold_back ? " hold back on" : " hold back off";
    return out;
  }
  std::string operator()(const TypesChanged& change) const {
    std::string out;
    if (change.strict) out = *change.strict ? "strict on" : "strict off";
    for (const auto& type : change.set) {
      out += fmt::format("{}type {} {}", out.empty() ? "" : ", ", type.id, type.slug);
    }
    return out;
  }
  std::string operator()(const StatusChanged& change) const {
    const auto more = substatus_name(change.substatus);
    return fmt::format("{} is {}{}{}{}", group_name(state, change.project, change.number),
                       status_name(change.status), more.empty() ? "" : "/", more,
                       resolution_text(change.resolution));
  }
  std::string operator()(const Merged& merge) const {
    return fmt::format("{} into {}", group_names(state, merge.project, merge.children),
                       group_name(state, merge.project, merge.primary));
  }
  std::string operator()(const Unmerged& unmerge) const {
    return fmt::format("{} out of {}", group_names(state, unmerge.project, unmerge.children),
                       group_name(state, unmerge.project, unmerge.primary));
  }
  std::string operator()(const ViewMade& made) const {
    return fmt::format("{} into the new {} '{}'", group_names(state, made.project, made.children),
                       group_name(state, made.project, made.number), made.title);
  }
  std::string operator()(const Split& split) const {
    const size_t count = split.fingerprints.size();
    return fmt::format(
        "{} split off from {} by {} fingerprint{}", group_name(state, split.project, split.part),
        group_name(state, split.project, split.number), count, count == 1 ? "" : "s");
  }
  std::string operator()(const Rejoined& rejoined) const {
    return fmt::format("{} back in {}", group_name(state, rejoined.project, rejoined.part),
                       group_name(state, rejoined.project, rejoined.number));
  }
  std::string operator()(const Assigned& change) const {
    return fmt::format("{} to {}", group_name(state, change.project, change.number),
                       change.assignee.empty() ? "nobody" : change.assignee);
  }
  std::string operator()(const PriorityChanged& change) const {
    return fmt::format("{} has priority {}{}", group_name(state, change.project, change.number),
                       priority_name(change.priority), change.locked ? "" : " by its type");
  }
  std::string operator()(const ActivityAdded& activity) const {
    return fmt::format("{} {}", group_name(state, activity.project, activity.number),
                       activity.kind);
  }
  std::string operator()(const NothingChanged&) const { return "there was nothing to do"; }
  std::string operator()(const ExperimentMade& made) const {
    return fmt::format("experiment {}{}", made.name,
                       made.at == Lsn{} ? "" : fmt::format(" as of record {}", raw(made.at)));
  }
  std::string operator()(const ExperimentAdded& added) const {
    return fmt::format("experiment {}: {} ({} merged, {} taken out)", added.name, added.rule,
                       children_of(added.merges), children_of(added.unmerges));
  }
  std::string operator()(const ExperimentDropped& dropped) const {
    return fmt::format("experiment {} dropped", dropped.name);
  }
  std::string operator()(const Regrouped& regrouped) const {
    return fmt::format("{} {}: {} merged, {} taken out", regroup_cause_name(regrouped.cause),
                       regrouped.what, children_of(regrouped.merges),
                       children_of(regrouped.unmerges));
  }
  std::string operator()(const ReleaseChanged& change) const {
    std::string out =
        fmt::format("{} release {}", project_name(state, change.project), change.version);
    if (!change.commits.empty()) out += fmt::format(", {} commits", change.commits.size());
    return out;
  }
  std::string operator()(const Ticked& tick) const {
    return tick.forecasts.empty() ? "time passed"
                                  : fmt::format("time passed, {} forecasts", tick.forecasts.size());
  }
  std::string operator()(const NoteChanged& change) const {
    return fmt::format("{} note {} {}", group_name(state, change.project, change.number),
                       change.note, note_change_name(change.change));
  }
  std::string operator()(const AttentionChanged& change) const {
    return fmt::format("{} {}{}{}", group_name(state, change.project, change.number),
                       change.on ? "" : "no longer ", attention_name(change.attention),
                       change.who.empty() ? "" : " by " + change.who);
  }
  std::string operator()(const LinkChanged& change) const {
    return fmt::format("{} {} {}", group_name(state, change.project, change.number),
                       change.removed ? "no longer linked to" : "linked to", change.url);
  }
  std::string operator()(const StandingChanged& change) const {
    return fmt::format("{} {}", group_name(state, change.project, change.number),
                       standing_name(change.standing));
  }
  std::string operator()(const AlertRuleChanged& change) const {
    return fmt::format("alert rule {} {}", change.rule,
                       change.text.empty() ? "removed" : change.text);
  }
  std::string operator()(const AlertStatusChanged& change) const {
    const auto status = alert::rule_status_name(alert::RuleStatus{change.status});
    if (change.rules.size() == 1) {
      return fmt::format("alert rule {} is {}", change.rules.front(), status);
    }
    return fmt::format("{} alert rules are {}", change.rules.size(), status);
  }
  std::string operator()(const AlertsTicked& tick) const {
    return fmt::format("alert rules evaluated at {}, {} values that matter", format_time(tick.tick),
                       tick.values.size());
  }
  std::string operator()(const AlertFired& fired) const {
    return fmt::format("alert rule {} about {}: {}", fired.rule,
                       group_name(state, fired.project, fired.number),
                       alert::issue_event_name(alert::IssueEvent{fired.event}));
  }
  std::string operator()(const IncidentChanged& change) const {
    return fmt::format("incident {} {}", change.incident, incident_change_name(change.change));
  }
};

struct Members {
  const State& state;
  JsonWriter& json;

  void project(ProjectId id) const { json.key("project_id").unsigned_integer(raw(id)); }
  void group(std::string_view key, ProjectId id, uint32_t number) const {
    json.key(key).string(group_name(state, id, number));
  }
  void groups(std::string_view key, ProjectId id, const std::vector<uint32_t>& numbers) const {
    json.key(key).begin_array();
    for (const uint32_t number : numbers) json.string(group_name(state, id, number));
    json.end_array();
  }

  void face(std::string_view key, const Face& face) const {
    json.key(key).begin_object().key("title").string(face.title);
    json.key("culprit").string(face.culprit);
    json.key("level").string(level_name(face.level)).end_object();
  }

  void operator()(const Occurrence& occurrence) const {
    json.raw_members(to_json_members(occurrence));
  }
  void operator()(const StoreCreated& created) const {
    json.key("store_id").string(created.store_id.dashed());
  }
  void operator()(const ProjectChanged& change) const {
    project(change.project);
    if (change.slug) json.key("slug").string(*change.slug);
    if (change.policy) json.key("policy").string(policy_name(*change.policy));
    if (change.auto_resolve_hours) {
      json.key("auto_resolve_hours").unsigned_integer(*change.auto_resolve_hours);
    }
    if (change.escalation_threshold) {
      json.key("escalation_threshold").unsigned_integer(*change.escalation_threshold);
    }
    if (change.hold_back) json.key("hold_back").boolean(*change.hold_back);
  }
  void operator()(const TypesChanged& change) const {
    if (change.strict) json.key("strict").boolean(*change.strict);
    json.key("types").begin_array();
    for (const auto& type : change.set) {
      json.begin_object().key("id").unsigned_integer(type.id).key("slug").string(type.slug);
      json.end_object();
    }
    json.end_array();
  }
  void operator()(const StatusChanged& change) const {
    project(change.project);
    group("issue", change.project, change.number);
    json.key("status").string(status_name(change.status));
    write_text_or_null(json, "substatus", substatus_name(change.substatus));
    if (!change.snooze.empty()) write_snooze(json, change.snooze);
    if (change.resolution.kind != ResolutionKind::Now) write_resolution(json, change.resolution);
    if (change.substatus == Substatus::UntilEscalating) numbers("forecast", change.forecast);
  }
  void operator()(const Merged& merge) const {
    project(merge.project);
    group("primary", merge.project, merge.primary);
    groups("children", merge.project, merge.children);
  }
  void operator()(const Unmerged& unmerge) const {
    project(unmerge.project);
    group("primary", unmerge.project, unmerge.primary);
    groups("children", unmerge.project, unmerge.children);
  }
  void operator()(const ViewMade& made) const {
    project(made.project);
    group("view", made.project, made.number);
    json.key("title").string(made.title);
    groups("children", made.project, made.children);
  }
  void operator()(const Split& split) const {
    project(split.project);
    group("issue", split.project, split.number);
    group("part", split.project, split.part);
    json.key("fingerprints").begin_array();
    for (const std::string& value : split.fingerprints) json.string(value);
    json.end_array();
    face("part_shows", split.part_face);
    face("issue_shows", split.rest_face);
  }
  void operator()(const Rejoined& rejoined) const {
    project(rejoined.project);
    group("issue", rejoined.project, rejoined.number);
    group("part", rejoined.project, rejoined.part);
  }
  void operator()(const Assigned& change) const {
    project(change.project);
    group("issue", change.project, change.number);
    write_text_or_null(json, "assignee", change.assignee);
  }
  void operator()(const PriorityChanged& change) const {
    project(change.project);
    group("issue", change.project, change.number);
    json.key("priority").string(priority_name(change.priority));
    json.key("locked").boolean(change.locked);
  }
  void operator()(const ActivityAdded& activity) const {
    project(activity.project);
    group("issue", activity.project, activity.number);
    json.key("kind").string(activity.kind);
    json.key("data").raw(activity.data.empty() ? std::string_view("null") : activity.data);
  }
  void operator()(const NothingChanged&) const {}
  template <class Links>
  void links(std::string_view key, const Links& links) const {
    json.key(key).begin_array();
    for (const auto& link : links) {
      json.begin_object();
      group("view", link.project, link.primary);
      groups("children", link.project, link.children);
      json.end_object();
    }
    json.end_array();
  }
  void operator()(const ExperimentMade& made) const {
    json.key("experiment").string(made.name);
    json.key("at").unsigned_integer(raw(made.at));
  }
  void operator()(const ExperimentAdded& added) const {
    json.key("experiment").string(added.name).key("rule").string(added.rule);
    links("unmerges", added.unmerges);
    links("merges", added.merges);
  }
  void operator()(const ExperimentDropped& dropped) const {
    json.key("experiment").string(dropped.name);
  }
  void operator()(const Regrouped& regrouped) const {
    json.key("cause").string(regroup_cause_name(regrouped.cause));
    json.key("what").string(regrouped.what);
    links("unmerges", regrouped.unmerges);
    links("merges", regrouped.merges);
  }
  void operator()(const ReleaseChanged& change) const {
    project(change.project);
    json.key("version").string(change.version);
    write_text_or_null(json, "date", change.date ? format_time(*change.date) : "");
    json.key("commits").begin_array();
    for (const std::string& commit : change.commits) json.string(commit);
    json.end_array();
  }
  void operator()(const Ticked& tick) const {
    json.key("forecasts").begin_array();
    for (const Ticked::NewForecast& forecast : tick.forecasts) {
      json.begin_object();
      group("issue", forecast.project, forecast.number);
      numbers("forecast", forecast.ceilings);
      json.end_object();
    }
    json.end_array();
  }
  void operator()(const NoteChanged& change) const {
    project(change.project);
    group("issue", change.project, change.number);
    json.key("note").unsigned_integer(change.note);
    json.key("change").string(note_change_name(change.change));
    if (change.change != NoteChange::Removed) json.key("text").string(change.text);
  }
  void operator()(const AttentionChanged& change) const {
    project(change.project);
    group("issue", change.project, change.number);
    json.key("attention").string(attention_name(change.attention));
    write_text_or_null(json, "who", change.who);
    json.key("on").boolean(change.on);
  }
  void operator()(const LinkChanged& change) const {
    project(change.project);
    group("issue", change.project, change.number);
    json.key("url").string(change.url);
    write_text_or_null(json, "title", change.title);
    json.key("removed").boolean(change.removed);
  }
  void operator()(const StandingChanged& change) const {
    project(change.project);
    group("issue", change.project, change.number);
    json.key("standing").string(standing_name(change.standing));
  }
  void operator()(const AlertRuleChanged& change) const {
    json.key("rule_id").unsigned_integer(change.rule);
    json.key("rule").raw(change.text.empty() ? std::string_view("null") : change.text);
  }
  void operator()(const AlertStatusChanged& change) const {
    numbers("rule_ids", change.rules);
    json.key("status").string(alert::rule_status_name(alert::RuleStatus{change.status}));
  }
  void operator()(const AlertsTicked& tick) const {
    json.key("tick").string(format_time(tick.tick));
    json.key("more").boolean(tick.more);
    json.key("values").begin_array();
    for (const AlertsTicked::Value& one : tick.values) {
      json.begin_object();
      json.key("rule_id").unsigned_integer(one.rule);
      json.key("key").string(one.key);
      write_number_or_null("value", one.value);
      write_number_or_null("base", one.base);
      json.key("incomplete").boolean(one.incomplete);
      json.end_object();
    }
    json.end_array();
  }
  void operator()(const AlertFired& fired) const {
    json.key("rule_id").unsigned_integer(fired.rule);
    project(fired.project);
    group("issue", fired.project, fired.number);
    json.key("event").string(alert::issue_event_name(alert::IssueEvent{fired.event}));
    write_text_or_null(json, "occurrence", fired.occurrence ? fired.occurrence->hex() : "");
  }
  void operator()(const IncidentChanged& change) const {
    json.key("incident").unsigned_integer(change.incident);
    json.key("change").string(incident_change_name(change.change));
    if (change.change == IncidentChange::Commented) json.key("text").string(change.text);
  }

  void write_number_or_null(std::string_view key, std::optional<double> value) const {
    json.key(key);
    if (value) {
      json.number(*value);
    } else {
      json.null();
    }
  }
  void numbers(std::string_view key, const std::vector<uint32_t>& values) const {
    json.key(key).begin_array();
    for (const uint32_t value : values) json.unsigned_integer(value);
    json.end_array();
  }
};

struct Kind {
  std::string_view operator()(const Occurrence&) const { return "occurrence"; }
  std::string_view operator()(const StoreCreated&) const { return "store_created"; }
  std::string_view operator()(const ProjectChanged&) const { return "project_changed"; }
  std::string_view operator()(const TypesChanged&) const { return "types_changed"; }
  std::string_view operator()(const StatusChanged&) const { return "status_changed"; }
  std::string_view operator()(const Merged&) const { return "merged"; }
  std::string_view operator()(const Unmerged&) const { return "unmerged"; }
  std::string_view operator()(const ViewMade&) const { return "view_made"; }
  std::string_view operator()(const Split&) const { return "split"; }
  std::string_view operator()(const Rejoined&) const { return "rejoined"; }
  std::string_view operator()(const Assigned&) const { return "assigned"; }
  std::string_view operator()(const PriorityChanged&) const { return "priority_changed"; }
  std::string_view operator()(const ActivityAdded&) const { return "activity"; }
  std::string_view operator()(const NothingChanged&) const { return "nothing_changed"; }
  std::string_view operator()(const ExperimentMade&) const { return "experiment_made"; }
  std::string_view operator()(const ExperimentAdded&) const { return "experiment_added"; }
  std::string_view operator()(const ExperimentDropped&) const { return "experiment_dropped"; }
  std::string_view operator()(const Regrouped&) const { return "regrouped"; }
  std::string_view operator()(const ReleaseChanged&) const { return "release_changed"; }
  std::string_view operator()(const Ticked&) const { return "ticked"; }
  std::string_view operator()(const NoteChanged&) const { return "note_changed"; }
  std::string_view operator()(const AttentionChanged&) const { return "attention_changed"; }
  std::string_view operator()(const LinkChanged&) const { return "link_changed"; }
  std::string_view operator()(const StandingChanged&) const { return "standing_changed"; }
  std::string_view operator()(const AlertRuleChanged&) const { return "alert_rule_changed"; }
  std::string_view operator()(const AlertStatusChanged&) const { return "alert_status_changed"; }
  std::string_view operator()(const AlertsTicked&) const { return "alerts_ticked"; }
  std::string_view operator()(const AlertFired&) const { return "alert_fired"; }
  std::string_view operator()(const IncidentChanged&) const { return "incident_changed"; }
};

}  // namespace

std::string_view record_kind(const Record& record) { return std::visit(Kind{}, record.body); }

std::string record_summary(const Record& record, const State& state) {
  return std::visit(Summary{state}, record.body);
}

std::string record_json(Lsn lsn, const Record& record, const State& state) {
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(lsn));
  json.key("time").string(format_time(record.time));
  json.key("kind").string(record_kind(record));
  write_text_or_null(json, "actor", record.actor);
  write_text_or_null(json, "key", record.key == Hash128() ? "" : record.key.hex());
  json.key("body").begin_object();
  std::visit(Members{state, json}, record.body);
  json.end_object().end_object();
  return json.take();
}

}  // namespace cairn::verbs
