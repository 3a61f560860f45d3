#include "verbs/comparison_output.h"

#include <fmt/format.h>

#include <array>

#include "verbs/output.h"
#include "verbs/table.h"

namespace cairn::verbs {
namespace {

using query::GroupSizes;
using query::PartitionMetrics;

void write_sizes(JsonWriter& json, const GroupSizes& sizes) {
  json.begin_object().key("issues").unsigned_integer(sizes.issues);
  json.key("singletons").unsigned_integer(sizes.singletons);
  json.key("mean").number(sizes.mean);
  json.key("p50").unsigned_integer(sizes.p50);
  json.key("p95").unsigned_integer(sizes.p95);
  json.key("largest").unsigned_integer(sizes.largest).end_object();
}

struct Figure {
  std::string_view name;
  std::optional<double> value;
};

std::array<Figure, 7> figures_of(const PartitionMetrics& metrics) {
  return {{{"precision", metrics.precision},
           {"recall", metrics.recall},
           {"f1", metrics.f1},
           {"homogeneity", metrics.homogeneity},
           {"completeness", metrics.completeness},
           {"v_measure", metrics.v_measure},
           {"adjusted_rand", metrics.adjusted_rand}}};
}

void write_metrics(JsonWriter& json, const PartitionMetrics& metrics) {
  json.begin_object().key("clusters").unsigned_integer(metrics.clusters);
  for (const Figure& figure : figures_of(metrics)) {
    json.key(figure.name);
    if (figure.value) {
      json.number(*figure.value);
    } else {
      json.null();
    }
  }
  json.end_object();
}

std::string figure_text(const std::optional<double>& value) {
  return value ? fmt::format("{:.4f}", *value) : "-";
}

void print_sizes(const ComparisonReport& report, const std::string& before, Console& console) {
  const query::Comparison& found = report.comparison;
  TextTable table({{.header = ""},
                   {.header = "ISSUES", .right = true},
                   {.header = "OF ONE EVENT", .right = true},
                   {.header = "MEAN", .right = true},
                   {.header = "MEDIAN", .right = true},
                   {.header = "95 %", .right = true},
                   {.header = "LARGEST", .right = true}});
  const auto add = [&](const std::string& name, const GroupSizes& sizes) {
    table.add({name, format_count(sizes.issues), format_count(sizes.singletons),
               fmt::format("{:.1f}", sizes.mean), format_count(sizes.p50), format_count(sizes.p95),
               format_count(sizes.largest)});
  };
  add(before, found.before);
  add(report.experiment, found.after);
  console.out.write(table.render(console.terminal));
  console.out.line(fmt::format("{} of {} events moved, into {} issues", format_count(found.moved),
                               format_count(found.occurrences), format_count(found.changed)));
}

void print_labels(const LabelReport& labels, const std::string& before, const std::string& after,
                  Console& console) {
  console.out.line(fmt::format("\nAgainst {} labels of {} groups{}",
                               format_count(labels.after.items), format_count(labels.after.classes),
                               labels.missing == 0
                                   ? std::string()
                                   : fmt::format(" ({} more are of occurrences that are not here)",
                                                 format_count(labels.missing))));
  TextTable table({{.header = ""},
                   {.header = "PRECISION", .right = true},
                   {.header = "RECALL", .right = true},
                   {.header = "F1", .right = true},
                   {.header = "HOMOGENEITY", .right = true},
                   {.header = "COMPLETENESS", .right = true},
                   {.header = "V", .right = true},
                   {.header = "ADJ. RAND", .right = true}});
  const auto add = [&](const std::string& name, const PartitionMetrics& metrics) {
    std::vector<TableCell> row{name};
    for (const Figure& figure : figures_of(metrics)) row.emplace_back(figure_text(figure.value));
    table.add(std::move(row));
  };
  add(before, labels.before);
  add(after, labels.after);
  console.out.write(table.render(console.terminal));
}

}  // namespace

std::string comparison_json(const engine::Snapshot& snapshot, const ComparisonReport& report) {
  const model::State& state = snapshot.state();
  const query::Comparison& found = report.comparison;
  JsonWriter json;
  json.begin_object().key("lsn").unsigned_integer(raw(snapshot.lsn()));
  json.key("experiment").string(report.experiment);
  write_text_or_null(json, "other", report.other);
  json.key("occurrences").unsigned_integer(found.occurrences);
  json.key("moved").unsigned_integer(found.moved);
  json.key("before");
  write_sizes(json, found.before);
  json.key("after");
  write_sizes(json, found.after);
  json.key("changed").unsigned_integer(found.changed);
  json.key("changes").begin_array();
  for (const query::GroupingChange& change : found.changes) {
    json.begin_object().key("issue").string(state.short_id(change.issue));
    json.key("title").string(state.group(change.issue).title);
    json.key("before").unsigned_integer(change.before);
    json.key("after").unsigned_integer(change.after);
    json.key("moved").unsigned_integer(change.moved);
    json.key("parts").unsigned_integer(change.parts).end_object();
  }
  json.end_array().key("labels");
  if (report.labels) {
    json.begin_object().key("labels").unsigned_integer(report.labels->labels);
    json.key("missing").unsigned_integer(report.labels->missing);
    json.key("groups").unsigned_integer(report.labels->after.classes);
    json.key("before");
    write_metrics(json, report.labels->before);
    json.key("after");
    write_metrics(json, report.labels->after);
    json.end_object();
  } else {
    json.null();
  }
  return json.end_object().take();
}

void print_comparison(const engine::Snapshot& snapshot, const ComparisonReport& report,
                      Console& console) {
  const std::string before = report.other.empty() ? "the base" : report.other;
  print_sizes(report, before, console);
  if (!report.comparison.changes.empty()) {
    console.out.line("\nLargest changes");
    TextTable table({{.header = "ISSUE"},
                     {.header = "BEFORE", .right = true},
                     {.header = "AFTER", .right = true},
                     {.header = "OF", .right = true},
                     {.header = "TITLE", .flexible = true}});
    for (const query::GroupingChange& change : report.comparison.changes) {
      table.add({snapshot.state().short_id(change.issue), format_count(change.before),
                 format_count(change.after), fmt::format("{} issues", change.parts),
                 std::string(snapshot.state().group(change.issue).title)});
    }
    console.out.write(table.render(console.terminal));
  }
  if (report.labels) print_labels(*report.labels, before, report.experiment, console);
}

}  // namespace cairn::verbs
