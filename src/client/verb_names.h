// Names of the layer verbs that the whole client uses.
#pragma once

#include "verbs/console.h"
#include "verbs/context.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

namespace cairn::client {

using verbs::Console;
using verbs::Context;
using verbs::ExitCode;
using verbs::ProgressLine;
using verbs::Style;
using verbs::TableCell;
using verbs::TableColumn;
using verbs::TextTable;
using verbs::VerbResult;

using verbs::format_bytes;
using verbs::format_count;
using verbs::format_seconds;

}  // namespace cairn::client
