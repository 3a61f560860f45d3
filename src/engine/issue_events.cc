#include "engine/issue_events.h"

#include <fmt/format.h>

#include <algorithm>

#include "query/meter.h"
#include "query/parser.h"

namespace cairn::engine {

Result<IssueEvents> issue_events(const Snapshot& snapshot, const query::GroupScope& scope,
                                 std::string_view filter, const query::EventOptions& options) {
  CAIRN_TRY_ASSIGN(const query::Query parsed, query::parse(filter));
  // One meter for both, finding and reading.
  query::Meter own(options.control);
  const query::View view = query::watched(snapshot.view(), own);
  CAIRN_TRY_ASSIGN(query::EventPage page, query::list_events(view, scope, parsed, options));
  IssueEvents out;
  out.total = page.total;
  out.next = std::move(page.next);
  out.prev = std::move(page.prev);
  out.warnings = std::move(page.warnings);
  out.events.resize(page.events.size());
  // In the order of the log, in which neighbours lie in one frame.
  std::vector<size_t> order(page.events.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return page.events[a].lsn < page.events[b].lsn; });
  for (const size_t i : order) {
    if (!query::go_on(view.meter)) break;
    const query::EventRow& row = page.events[i];
    CAIRN_TRY_ASSIGN(model::Record record, snapshot.record(row.lsn));
    auto* occurrence = std::get_if<model::Occurrence>(&record.body);
    if (occurrence == nullptr) {
      return make_error(ErrorCode::Corruption,
                        fmt::format("the index takes record {} for an occurrence: run "
                                    "'cairn rebuild'",
                                    raw(row.lsn)));
    }
    out.events[i] = {row.lsn, std::move(*occurrence),
                     view.root_of_fingerprint[raw(row.fingerprint)],
                     view.state->fingerprint(row.fingerprint).leaf};
  }
  CAIRN_TRY(query::check(view.meter));
  return out;
}

}  // namespace cairn::engine
