// fields: what queries can be written with.
#include <fmt/format.h>

#include <algorithm>

#include "query/field_list.h"
#include "verbs/context.h"
#include "verbs/output.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

using query::FieldInfo;

bool is_called(const FieldInfo& field, const std::string& name) {
  return field.name == name || field.name == "tags[" + name + "]" ||
         std::find(field.aliases.begin(), field.aliases.end(), name) != field.aliases.end();
}

void write_texts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.key(key).begin_array();
  for (const std::string& text : texts) json.string(text);
  json.end_array();
}

std::string fields_json(const Reading& reading, const std::vector<FieldInfo>& fields) {
  JsonWriter json;
  json.begin_object();
  json.key("lsn").unsigned_integer(raw(reading.snapshot->lsn()));
  json.key("fields").begin_array();
  for (const FieldInfo& field : fields) {
    json.begin_object();
    json.key("name").string(field.name);
    write_texts(json, "aliases", field.aliases);
    json.key("scope").string(field.scope).key("type").string(field.type);
    json.key("operators").string(field.operators);
    json.key("values");
    if (field.values) {
      json.unsigned_integer(*field.values);
    } else {
      json.null();
    }
    write_texts(json, "examples", field.examples);
    json.end_object();
  }
  return json.end_array().end_object().take();
}

std::string fields_table(const std::vector<FieldInfo>& fields, const Terminal& terminal) {
  TextTable table({{.header = "NAME"},
                   {.header = "SCOPE", .drop_order = 3},
                   {.header = "TYPE"},
                   {.header = "VALUES", .right = true},
                   {.header = "EXAMPLES", .flexible = true},
                   {.header = "ALSO", .drop_order = 2}});
  for (const FieldInfo& field : fields) {
    table.add({field.name, field.scope, field.type,
               field.values ? format_count(*field.values) : std::string(),
               fmt::format("{}", fmt::join(field.examples, ", ")),
               fmt::format("{}", fmt::join(field.aliases, ", "))});
  }
  return table.render(terminal);
}

}  // namespace

VerbResult run_verb(const FieldsArguments& arguments, Context& context) {
  Console& console = context.console;
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  CAIRN_TRY_ASSIGN(auto fields, query::list_fields(reading.snapshot->view()));
  if (!arguments.name.empty()) {
    std::erase_if(fields,
                  [&](const FieldInfo& field) { return !is_called(field, arguments.name); });
  }
  if (fields.empty()) {
    return make_error(ErrorCode::NotFound,
                      fmt::format("no field and no tag '{}': `fields {}` lists all there are",
                                  arguments.name, arguments.store));
  }
  if (console.json) {
    console.out.line(fields_json(reading, fields));
    return ExitCode::Ok;
  }
  console.out.write(fields_table(fields, console.terminal));
  if (!arguments.name.empty()) {
    for (const FieldInfo& field : fields) {
      console.out.line(fmt::format("{} takes {}", field.name, field.operators));
    }
  }
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
