// digest.
#include <fmt/format.h>

#include <algorithm>

#include "verbs/context.h"
#include "verbs/digest_output.h"
#include "verbs/digest_source.h"
#include "verbs/issue_reference.h"
#include "verbs/verbs.h"

namespace cairn::verbs {
namespace {

// Names that nothing has are slips. Who may see some projects only is not told of others' rules.
Result<void> check_names(const DigestArguments& arguments, const engine::Snapshot& snapshot,
                         std::span<const alert::Notification> all, const Rights& rights) {
  for (const std::string& name : arguments.projects) {
    if (auto project = find_project(snapshot.state(), name); !project) return project.error();
  }
  if (!rights.projects.empty()) return {};
  for (const std::string& name : arguments.rules) {
    const auto rule = snapshot.alerts().find_rule(name);
    const bool there = rule.ok() || rule.error().code != ErrorCode::NotFound ||
                       std::any_of(all.begin(), all.end(), [&](const alert::Notification& one) {
                         return one.rule_name == name || std::to_string(one.rule) == name;
                       });
    if (!there) {
      return make_error(
          ErrorCode::NotFound,
          fmt::format("there is no alert rule {}, and none of that name alerted", name));
    }
  }
  return {};
}

// Opened before the digest is made, so that a path that cannot be written is told at once.
Result<std::unique_ptr<Files::Writer>> open_page(const DigestArguments& arguments,
                                                 Context& context) {
  CAIRN_TRY(context.files.check_writable(kHtmlOption, arguments.html, arguments.store, {}));
  return context.files.replace(kHtmlOption, arguments.html);
}

Result<void> answer(const DigestArguments& arguments, const DigestReport& report,
                    Files::Writer* page, Console& console) {
  if (page != nullptr) {
    CAIRN_TRY(page->write(digest_html(report)));
    CAIRN_TRY(page->finish());
  }
  if (console.json) {
    console.out.line(digest_json(report));
  } else if (arguments.html == "-") {
    console.out.write(digest_html(report));
  } else if (page == nullptr) {
    console.out.write(digest_text(report, console.terminal));
  } else {
    console.note(fmt::format("{}: {} of {} about {}", arguments.html,
                             count_text(report.digest.records, "alert"),
                             count_text(report.digest.rules.size(), "rule"),
                             count_text(report.digest.issues.size(), "issue")));
  }
  return {};
}

}  // namespace

VerbResult run_verb(const DigestArguments& arguments, Context& context) {
  context.end_in_order();
  Console& console = context.console;
  if (console.json && arguments.html == "-") {
    return make_error(
        ErrorCode::InvalidArgument,
        "--html - and --json both want the standard output; name a file for the page");
  }
  std::unique_ptr<Files::Writer> page;
  if (!arguments.html.empty() && arguments.html != "-") {
    CAIRN_TRY_ASSIGN(page, open_page(arguments, context));
  }
  CAIRN_TRY_ASSIGN(const Reading reading, open_reading(context, arguments.store, arguments.moment));
  const engine::Snapshot& snapshot = *reading.snapshot;
  const TimeUs until = arguments.to.value_or(reading.now);
  const TimeUs from = arguments.from.value_or(TimeUs{raw(until) - arguments.last_us});
  auto all = snapshot.alerts().notifications_after({}, SIZE_MAX);
  CAIRN_TRY(check_names(arguments, snapshot, all, context.rights));
  std::erase_if(all,
                [&](const alert::Notification& one) { return one.at <= from || one.at > until; });
  query::Control control;
  control.budget = kDefaultBudget;
  control.cancelled = &context.cancelled;
  const DigestQuestion question{.selection = {arguments.projects, arguments.rules},
                                .rights = context.rights,
                                .range = {from, until, arguments.limit}};
  CAIRN_TRY_ASSIGN(const alert::Digest digest,
                   digest_of(snapshot, all, question, rules_of(snapshot), control));
  CAIRN_TRY(answer(arguments,
                   {.digest = digest,
                    .target = {},
                    .limit = static_cast<size_t>(arguments.limit),
                    .lsn = snapshot.lsn()},
                   page.get(), console));
  return ExitCode::Ok;
}

}  // namespace cairn::verbs
