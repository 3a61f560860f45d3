#include "model/group_type.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cairn::model {
namespace {

// Categories, numbered as in the field; those from 10 on replace the finer-grained older ones.
enum Category : uint16_t {
  kError = 1,
  kPerformance = 2,
  kCron = 4,
  kReplay = 5,
  kFeedback = 6,
  kUptime = 7,
  kOutage = 10,
  kMetric = 11,
  kDbQuery = 12,
  kHttpClient = 13,
  kFrontend = 14,
  kMobile = 15,
  kAiDetected = 16,
  kPreprod = 17,
  kInstrumentation = 18,
};

constexpr auto kCategoryNames = std::to_array<std::string_view>(
    {"", "error", "performance", "profile", "cron", "replay", "feedback", "uptime", "metric_alert",
     "test_notification", "outage", "metric", "db_query", "http_client", "frontend", "mobile",
     "ai_detected", "preprod", "instrumentation"});

constexpr uint8_t kLow = 25;
constexpr uint8_t kMedium = 50;
constexpr uint8_t kHigh = 75;

// What most types leave at the default.
struct Notes {
  bool released = true;
  bool in_default_search = true;
  bool auto_resolve = true;
  bool escalation = true;
  uint32_t quota_per_hour = 5;
};
constexpr Notes kUsual{};
constexpr Notes kUnreleased{.released = false};
constexpr Notes kNoAutomation{.auto_resolve = false, .escalation = false};
constexpr Notes kUnreleasedNoAutomation{
    .released = false, .auto_resolve = false, .escalation = false};

struct Row {
  uint32_t id;
  std::string_view slug;
  Category category;
  Category category_v2;
  uint8_t priority;
  uint32_t noise_limit;
  Notes notes;
};

constexpr Row kRows[] = {
    {1, "error", kError, kError, kMedium, 0, kUsual},
    {1001, "performance_slow_db_query", kPerformance, kDbQuery, kLow, 100, kUsual},
    {1004, "performance_render_blocking_asset_span", kPerformance, kFrontend, kLow, 3, kUsual},
    {1006, "performance_n_plus_one_db_queries", kPerformance, kDbQuery, kLow, 3, kUsual},
    {1007, "performance_consecutive_db_queries", kPerformance, kDbQuery, kLow, 15, kUsual},
    {1008, "performance_file_io_main_thread", kPerformance, kMobile, kLow, 3, kUsual},
    {1009, "performance_consecutive_http", kPerformance, kHttpClient, kLow, 5, kUsual},
    {1010, "performance_n_plus_one_api_calls", kPerformance, kHttpClient, kLow, 3, kUsual},
    {1011, "performance_m_n_plus_one_db_queries", kPerformance, kDbQuery, kLow, 3, kUsual},
    {1012, "performance_uncompressed_assets", kPerformance, kFrontend, kLow, 100, kUsual},
    {1013, "performance_db_main_thread", kPerformance, kMobile, kLow, 3, kUsual},
    {1015, "performance_large_http_payload", kPerformance, kHttpClient, kLow, 3, kUsual},
    {1016, "performance_http_overhead", kPerformance, kHttpClient, kLow, 20, kUsual},
    {1018, "performance_p95_endpoint_regression", kPerformance, kMetric, kMedium, 0, kNoAutomation},
    {1019, "performance_streamed_spans_exp", kPerformance, kMetric, kLow, 0,
     kUnreleasedNoAutomation},
    {1020, "db_query_injection_vulnerability", kPerformance, kDbQuery, kMedium, 5,
     kUnreleasedNoAutomation},
    {1021, "query_injection_vulnerability", kPerformance, kDbQuery, kMedium, 10,
     kUnreleasedNoAutomation},
    {1906, "performance_n_plus_one_db_queries_experimental", kPerformance, kDbQuery, kLow, 3,
     kUnreleased},
    {1910, "performance_n_plus_one_api_calls_experimental", kPerformance, kHttpClient, kLow, 3,
     kUnreleased},
    {1911, "performance_m_n_plus_one_db_queries_experimental", kPerformance, kDbQuery, kLow, 3,
     kUnreleased},
    {2001, "profile_file_io_main_thread", kPerformance, kMobile, kLow, 0, kUsual},
    {2002, "profile_image_decode_main_thread", kPerformance, kMobile, kLow, 0, kUsual},
    {2003, "profile_json_decode_main_thread", kPerformance, kMobile, kLow, 0, kUsual},
    {2007, "profile_regex_main_thread", kPerformance, kMobile, kLow, 0, kUsual},
    {2009, "profile_frame_drop", kPerformance, kMobile, kLow, 2000, kUsual},
    {2011,
     "profile_function_regression",
     kPerformance,
     kMetric,
     kMedium,
     0,
     {.auto_resolve = false}},
    {3501, "llm_detected_experimental", kAiDetected, kAiDetected, kMedium, 0,
     kUnreleasedNoAutomation},
    {3502, "llm_detected_experimental_v2", kAiDetected, kAiDetected, kMedium, 0,
     kUnreleasedNoAutomation},
    {4001, "monitor_check_in_failure", kCron, kOutage, kHigh, 0, {.quota_per_hour = 60'000}},
    {5002, "replay_click_rage", kReplay, kFrontend, kMedium, 0, kUsual},
    {5003, "replay_hydration_error", kReplay, kFrontend, kMedium, 0, kUsual},
    {6001,
     "feedback",
     kFeedback,
     kFeedback,
     kMedium,
     0,
     {.in_default_search = false, .auto_resolve = false, .quota_per_hour = 1000}},
    {7001,
     "uptime_domain_failure",
     kUptime,
     kOutage,
     kHigh,
     0,
     {.auto_resolve = false, .escalation = false, .quota_per_hour = 1000}},
    {10001, "web_vitals", kPerformance, kFrontend, kMedium, 0, kNoAutomation},
    {11001,
     "preprod_static",
     kPreprod,
     kPreprod,
     kLow,
     0,
     {.released = false, .escalation = false}},
    {11002, "preprod_delta", kPreprod, kPreprod, kLow, 0, {.released = false, .escalation = false}},
    {12001,
     "instrumentation_issue_experimental",
     kInstrumentation,
     kInstrumentation,
     kLow,
     0,
     {.released = false, .in_default_search = false, .quota_per_hour = 100}},
};

GroupType from_row(const Row& row) {
  return {.id = row.id,
          .slug = std::string(row.slug),
          .category = row.category,
          .category_v2 = row.category_v2,
          .default_priority = row.priority,
          .noise_limit = row.noise_limit,
          .released = row.notes.released,
          .in_default_search = row.notes.in_default_search,
          .auto_resolve = row.notes.auto_resolve,
          .escalation = row.notes.escalation,
          .quota_per_hour = row.notes.quota_per_hour};
}

}  // namespace

const std::vector<GroupType>& known_group_types() {
  static const std::vector<GroupType> types = [] {
    std::vector<GroupType> out;
    out.reserve(std::size(kRows));
    std::transform(std::begin(kRows), std::end(kRows), std::back_inserter(out), from_row);
    return out;
  }();
  return types;
}

const GroupType* find_known_group_type(uint32_t id) {
  const std::vector<GroupType>& types = known_group_types();
  const auto it =
      std::lower_bound(types.begin(), types.end(), id,
                       [](const GroupType& type, uint32_t wanted) { return type.id < wanted; });
  return it != types.end() && it->id == id ? &*it : nullptr;
}

GroupType unknown_group_type(uint32_t id) {
  GroupType type;
  type.id = id;
  type.slug = fmt::format("type-{}", id);
  return type;
}

std::string_view category_name(uint16_t category) {
  return category < kCategoryNames.size() ? kCategoryNames[category] : std::string_view();
}

bool valid_priority(uint64_t priority) {
  return priority == 25 || priority == 50 || priority == 75;
}

std::string priority_name(uint8_t priority) {
  switch (priority) {
    case 25:
      return "low";
    case 50:
      return "medium";
    case 75:
      return "high";
    default:
      return std::to_string(priority);
  }
}

}  // namespace cairn::model
