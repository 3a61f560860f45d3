// projects, types, releases.
#include <fmt/format.h>

#include <charconv>
#include <set>

#include "base/time_format.h"
#include "verbs/context.h"
#include "verbs/output.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

std::string projects_json(const engine::Snapshot& snapshot) {
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(snapshot.lsn())).key("projects").begin_array();
  for (const auto& [id, project] : snapshot.state().projects()) {
    json.begin_object();
    json.key("id").unsigned_integer(raw(id));
    json.key("slug").string(project.slug);
    json.key("policy").string(model::policy_name(project.policy));
    json.key("groups").unsigned_integer(project.last_number);
    json.key("auto_resolve_hours").unsigned_integer(project.auto_resolve_hours);
    json.key("escalation_threshold").unsigned_integer(project.escalation_threshold);
    json.key("hold_back").boolean(project.hold_back);
    json.key("releases").unsigned_integer(snapshot.state().releases(id).all().size());
    json.end_object();
  }
  return json.end_array().end_object().take();
}

VerbResult list_projects(const std::string& directory, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, directory, {}));
  if (console.json) {
    console.out.line(projects_json(*reading.snapshot));
    return ExitCode::Ok;
  }
  TextTable table({{.header = "ID", .right = true},
                   {.header = "SLUG"},
                   {.header = "POLICY"},
                   {.header = "GROUPS", .right = true}});
  for (const auto& [id, project] : reading.snapshot->state().projects()) {
    table.add({std::to_string(raw(id)), project.slug,
               std::string(model::policy_name(project.policy)),
               std::to_string(project.last_number)});
  }
  console.out.write(table.empty() ? "no projects yet\n" : table.render(console.terminal));
  return ExitCode::Ok;
}

// Every type there is: known ones, registered ones, and those that groups have.
std::vector<model::GroupType> all_types(const model::State& state) {
  std::set<uint32_t> ids;
  for (const auto& type : model::known_group_types()) ids.insert(type.id);
  for (const auto& [id, type] : state.types_set()) ids.insert(id);
  for (uint32_t id = 1; id <= state.group_count(); ++id) ids.insert(state.group(GroupId{id}).type);
  std::vector<model::GroupType> types;
  for (const uint32_t id : ids) types.push_back(state.type(id));
  return types;
}

std::string types_json(const engine::Snapshot& snapshot) {
  const model::State& state = snapshot.state();
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(snapshot.lsn()));
  json.key("strict").boolean(state.strict_types()).key("types").begin_array();
  for (const auto& type : all_types(state)) {
    json.begin_object();
    json.key("id").unsigned_integer(type.id);
    json.key("slug").string(type.slug);
    json.key("category").unsigned_integer(type.category);
    json.key("category_v2").unsigned_integer(type.category_v2);
    json.key("priority").string(model::priority_name(type.default_priority));
    json.key("noise_limit").unsigned_integer(type.noise_limit);
    json.key("quota_per_hour").unsigned_integer(type.quota_per_hour);
    json.key("auto_resolve").boolean(type.auto_resolve);
    json.key("escalation").boolean(type.escalation);
    json.key("registered").boolean(state.type_registered(type.id));
    json.end_object();
  }
  return json.end_array().end_object().take();
}

VerbResult list_types(const std::string& directory, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, directory, {}));
  if (console.json) {
    console.out.line(types_json(*reading.snapshot));
    return ExitCode::Ok;
  }
  const model::State& state = reading.snapshot->state();
  TextTable table({{.header = "ID", .right = true},
                   {.header = "SLUG", .flexible = true},
                   {.header = "CATEGORY"},
                   {.header = "PRIORITY"},
                   {.header = "REGISTERED"}});
  for (const auto& type : all_types(state)) {
    const auto category = model::category_name(type.category);
    table.add({std::to_string(type.id), type.slug,
               category.empty() ? std::to_string(type.category) : std::string(category),
               model::priority_name(type.default_priority),
               state.type_registered(type.id) ? "yes" : "no"});
  }
  console.out.write(table.render(console.terminal));
  console.out.line(state.strict_types()
                       ? "strict: occurrences of types that are not registered are refused"
                       : "not strict: any type is accepted");
  return ExitCode::Ok;
}

std::string releases_json(const engine::Snapshot& snapshot, const ReleasesArguments& arguments,
                          std::optional<ProjectId> only) {
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(snapshot.lsn())).key("releases").begin_array();
  for (const auto& [id, known] : snapshot.state().all_releases()) {
    if (only && *only != id) continue;
    for (const model::Release* release : known.newest(arguments.limit)) {
      json.begin_object();
      json.key("project_id").unsigned_integer(raw(id));
      json.key("version").string(release->version);
      json.key("date").string(format_time(release->date));
      json.key("commits").begin_array();
      for (const std::string& commit : release->commits) json.string(commit);
      json.end_array().end_object();
    }
  }
  return json.end_array().end_object().take();
}

// A number, or a slug that some project has.
Result<ProjectId> find_project(const model::State& state, const std::string& text) {
  uint64_t number = 0;
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, number);
  if (error == std::errc() && end == last && number > 0) return ProjectId{number};
  if (const model::Project* found = state.find_project(text)) return found->id;
  return make_error(ErrorCode::NotFound,
                    fmt::format("no project '{}': `cairn projects STORE` lists them", text));
}

VerbResult list_releases(const ReleasesArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, {}));
  const model::State& state = reading.snapshot->state();
  std::optional<ProjectId> only;
  if (!arguments.project.empty()) {
    CAIRN_TRY_ASSIGN(only, find_project(state, arguments.project));
  }
  if (console.json) {
    console.out.line(releases_json(*reading.snapshot, arguments, only));
    return ExitCode::Ok;
  }
  TextTable table({{.header = "PROJECT"},
                   {.header = "VERSION", .flexible = true},
                   {.header = "DATE"},
                   {.header = "COMMITS", .right = true}});
  for (const auto& [id, known] : state.all_releases()) {
    if (only && *only != id) continue;
    for (const model::Release* release : known.newest(arguments.limit)) {
      table.add({state.project(id)->slug, release->version, format_time(release->date),
                 std::to_string(release->commits.size())});
    }
  }
  console.out.write(table.empty() ? "no releases yet\n" : table.render(console.terminal));
  return ExitCode::Ok;
}

VerbResult execute(const std::string& directory, const model::Command& command,
                   const WriterArguments& writer, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(auto store, open_writing(context, directory));
  CAIRN_TRY_ASSIGN(const auto result, store->execute(command, {writer.actor, writer.key}));
  CAIRN_TRY(store.finish());
  if (console.json) {
    JsonWriter json;
    json.begin_object().key("lsn").unsigned_integer(raw(result.lsn));
    json.key("outcome").string(outcome_name(result.outcome));
    console.out.line(json.end_object().str());
  } else {
    const bool changed = result.outcome == engine::Outcome::Stored;
    console.out.line(changed ? fmt::format("changed (LSN {})", raw(result.lsn))
                             : std::string("nothing to do: it is so already"));
  }
  return ExitCode::Ok;
}

}  // namespace

VerbResult run_verb(const ProjectsArguments& arguments, Context& context) {
  if (!arguments.set) return list_projects(arguments.store, context);
  const model::ChangeProjectCommand command{arguments.project,
                                            arguments.slug,
                                            arguments.policy,
                                            arguments.auto_resolve_hours,
                                            arguments.escalation_threshold,
                                            arguments.hold_back};
  return execute(arguments.store, command, arguments.writer, context);
}

VerbResult run_verb(const ReleasesArguments& arguments, Context& context) {
  if (!arguments.set) return list_releases(arguments, context);
  model::ChangeReleaseCommand command{{}, arguments.version, arguments.date, arguments.commits};
  {
    CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, {}));
    CAIRN_TRY_ASSIGN(command.project, find_project(reading.snapshot->state(), arguments.project));
  }
  return execute(arguments.store, command, arguments.writer, context);
}

VerbResult run_verb(const TypesArguments& arguments, Context& context) {
  model::ChangeTypesCommand command;
  switch (arguments.action) {
    case TypesArguments::Action::List:
      return list_types(arguments.store, context);
    case TypesArguments::Action::Strict:
      command.strict = arguments.strict;
      break;
    case TypesArguments::Action::Set: {
      CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, {}));
      model::GroupType type = reading.snapshot->state().type(arguments.type);
      if (arguments.slug) type.slug = *arguments.slug;
      if (arguments.category) type.category = *arguments.category;
      if (arguments.priority) type.default_priority = *arguments.priority;
      if (arguments.noise_limit) type.noise_limit = *arguments.noise_limit;
      if (arguments.quota_per_hour) type.quota_per_hour = *arguments.quota_per_hour;
      if (arguments.auto_resolve) type.auto_resolve = *arguments.auto_resolve;
      if (arguments.escalation) type.escalation = *arguments.escalation;
      command.set.push_back(std::move(type));
      break;
    }
  }
  return execute(arguments.store, command, arguments.writer, context);
}

}  // namespace cairn::verbs
