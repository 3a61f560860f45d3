// The vocabulary of generated load. Every text is plain ASCII without quotes or backslashes, so
// that it goes into JSON as it is.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace cairn::client::words {

struct Weighted {
  std::string_view text;
  uint32_t share = 0;  // of 64
};
// A table of 64 entries in which each text takes its share: six random bits pick one.
using Table64 = std::array<std::string_view, 64>;

template <size_t N>
constexpr Table64 spread(const Weighted (&choices)[N]) {
  Table64 table;
  size_t at = 0;
  for (const Weighted& choice : choices) {
    for (uint32_t i = 0; i < choice.share; ++i) table[at++] = choice.text;
  }
  while (at < table.size()) table[at++] = choices[0].text;
  return table;
}

inline constexpr Table64 kEnvironments =
    spread({{"production", 51}, {"staging", 9}, {"development", 4}});
inline constexpr Table64 kLevels =
    spread({{"error", 45}, {"warning", 12}, {"info", 3}, {"fatal", 4}});
inline constexpr Table64 kBrowsers = spread({{"Chrome 119", 14},
                                             {"Chrome 120", 13},
                                             {"Safari 17", 10},
                                             {"Chrome 118", 6},
                                             {"Firefox 121", 5},
                                             {"Edge 120", 4},
                                             {"Safari 16", 4},
                                             {"Firefox 115", 2},
                                             {"Samsung Internet 23", 2},
                                             {"Opera 105", 2},
                                             {"Chrome 99", 1},
                                             {"Edge 118", 1}});
inline constexpr Table64 kDesktops = spread(
    {{"Windows", 30}, {"macOS", 14}, {"Android", 11}, {"iOS", 6}, {"Linux", 2}, {"ChromeOS", 1}});
inline constexpr Table64 kDevices = spread({{"iPhone 15", 18},
                                            {"iPhone 14", 15},
                                            {"iPhone 13", 12},
                                            {"iPhone 12", 7},
                                            {"iPad Air", 5},
                                            {"iPhone SE", 4},
                                            {"iPad Pro", 3}});
inline constexpr Table64 kMobileSystems = spread(
    {{"iOS 17.1", 28}, {"iOS 17.0", 14}, {"iOS 16.7", 13}, {"iOS 16.6", 6}, {"iOS 15.8", 3}});
inline constexpr Table64 kRegions =
    spread({{"eu-central", 28}, {"us-east", 20}, {"ap-south", 10}, {"us-west", 6}});
inline constexpr Table64 kServers = spread({{"app-1", 9},
                                            {"app-2", 9},
                                            {"app-3", 8},
                                            {"app-4", 8},
                                            {"app-5", 7},
                                            {"worker-1", 6},
                                            {"worker-2", 6},
                                            {"worker-3", 5},
                                            {"cron-1", 3},
                                            {"canary-1", 3}});

inline constexpr std::string_view kProjects[] = {
    "shop",    "api",    "checkout", "mobile", "search",  "billing", "web",
    "orders",  "auth",   "catalog",  "media",  "gateway", "admin",   "notify",
    "support", "ledger", "reports",  "sync",   "edge",    "stats"};

// Filled into the templates below.
inline constexpr std::string_view kNouns[] = {
    "price",   "items",    "user",     "total",     "token",    "address",  "currency", "quantity",
    "session", "email",    "name",     "id",        "status",   "length",   "options",  "discount",
    "country", "locale",   "image",    "variant",   "payload",  "customer", "invoice",  "shipment",
    "coupon",  "category", "settings", "timestamp", "balance",  "account",  "voucher",  "profile",
    "rating",  "stock",    "filter",   "page",      "cursor",   "channel",  "message",  "version",
    "region",  "tax",      "subtotal", "payment",   "delivery", "owner",    "label",    "parent"};
inline constexpr std::string_view kMethods[] = {
    "render",        "loadCart",      "applyCoupon",  "fetchUser",     "updateTotals",
    "submitOrder",   "parseResponse", "onClick",      "refreshToken",  "validateForm",
    "mergeItems",    "openDialog",    "scheduleJob",  "sendMail",      "writeAudit",
    "resolvePrice",  "lookupAddress", "importBatch",  "exportReport",  "syncInventory",
    "handleWebhook", "retryPayment",  "closeSession", "restoreState",  "computeTax",
    "formatDate",    "decodeImage",   "readConfig",   "connect",       "flushQueue",
    "acquireLock",   "reserveStock",  "cancelOrder",  "notifyUser",    "checkQuota",
    "buildIndex",    "rotateKeys",    "paginate",     "createInvoice", "streamEvents"};
inline constexpr std::string_view kFiles[] = {
    "cart/checkout",   "cart/summary",    "cart/coupon",     "cart/shipping",   "product/detail",
    "product/list",    "product/review",  "account/login",   "account/profile", "account/reset",
    "orders/history",  "orders/refund",   "orders/tracking", "payment/card",    "payment/wallet",
    "payment/webhook", "search/query",    "search/suggest",  "search/filters",  "media/upload",
    "media/resize",    "media/player",    "admin/users",     "admin/reports",   "admin/flags",
    "api/client",      "api/router",      "api/auth",        "jobs/mailer",     "jobs/cleanup",
    "jobs/importer",   "jobs/billing",    "common/dates",    "common/money",    "common/storage",
    "common/http",     "common/retry",    "store/inventory", "store/pricing",   "store/tax",
    "ui/dialog",       "ui/table",        "ui/router",       "ui/toast",        "ui/form",
    "events/stream",   "events/consumer", "events/scheduler"};
inline constexpr std::string_view kClasses[] = {
    "CartService",    "OrderService",    "PriceCalculator", "SessionStore",    "PaymentGateway",
    "UserRepository", "InvoiceBuilder",  "MailSender",      "ImageDecoder",    "SearchIndexer",
    "StockKeeper",    "TaxTable",        "TokenIssuer",     "ReportWriter",    "EventBridge",
    "RateLimiter",    "AddressResolver", "CouponEngine",    "ShipmentPlanner", "ConfigLoader",
    "ProfileScreen",  "CatalogScreen",   "CheckoutScreen",  "FeedScreen"};
inline constexpr std::string_view kServices[] = {
    "postgres-main", "postgres-replica", "redis-cache",      "redis-sessions",
    "kafka-broker",  "search-node",      "payment-provider", "mail-relay",
    "object-store",  "tax-service",      "geo-service",      "auth-service"};
inline constexpr std::string_view kSections[] = {
    "products", "cart",    "checkout", "orders",  "account", "search",   "categories", "reviews",
    "wishlist", "returns", "help",     "offers",  "brands",  "stores",   "gifts",      "invoices",
    "payments", "devices", "messages", "reports", "users",   "settings", "media",      "feed"};

// %n noun, %m method, %f file with the platform's extension, %c class, %s service, %d number.
struct Template {
  std::string_view text;
  uint32_t type = 1;  // group type id; 1 is an error
};
inline constexpr Template kJavascript[] = {
    {"TypeError: no '%n' in %m"},       {"TypeError: %n.%m is no function"},
    {"TypeError: '%n' is null in %m"},  {"ReferenceError: %n in %m"},
    {"RangeError: deep %n in %m"},      {"SyntaxError: JSON of %n in %m"},
    {"ChunkLoadError: chunk %d of %n"}, {"NetworkError: /api/%n in %m"},
    {"Rejection: timeout of %n in %m"}, {"Large asset %f", 1004}};
inline constexpr Template kPython[] = {
    {"KeyError: '%n' in %m"},        {"AttributeError: no '%n' in %m"},
    {"ValueError: bad %n in %m"},    {"IntegrityError: %n_key in %m"},
    {"OperationalError: %s in %m"},  {"TimeoutError: timeout of %s in %m"},
    {"TypeError: %m got '%n'"},      {"N+1 queries for %n in %m", 1006},
    {"Slow query on %n in %m", 1001}};
inline constexpr Template kJava[] = {
    {"NullPointerException: %n in %m"},       {"IllegalStateException: %n in %m"},
    {"SocketException: timeout of %s in %m"}, {"ClassCastException: %n in %m"},
    {"Concurrent change of %n in %m"},        {"OutOfMemoryError in %c.%m"},
    {"Pool of %s exhausted in %m"},           {"Slow query on %n in %m", 1001}};
inline constexpr Template kGo[] = {{"panic: index %d out of range in %f"},
                                   {"panic: nil map %n in %f"},
                                   {"timeout: %s called by %m"},
                                   {"dial %s: refused in %m"},
                                   {"EOF reading %n from %s"},
                                   {"nil %n in %m"}};
inline constexpr Template kCocoa[] = {
    {"EXC_BAD_ACCESS: %m in %c"},   {"Bad selector %m sent to %c"},
    {"Unexpected nil %n in %m"},    {"NSRangeException: %n in %c"},
    {"Watchdog timeout: %m in %c"}, {"File I/O on the main thread in %m", 1008}};

}  // namespace cairn::client::words
