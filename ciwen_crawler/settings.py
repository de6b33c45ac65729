"""Scrapy's settings, where they differ from its defaults, each with its reason."""

import os

BOT_NAME = "ciwen"
SPIDER_MODULES = ["ciwen_crawler.spiders"]
NEWSPIDER_MODULE = "ciwen_crawler.spiders"
# `scrapy crawl`, with the exit codes of `ciwen crawl`.
COMMANDS_MODULE = "ciwen_crawler.commands"

# What happens to an article, in this order.
ITEM_PIPELINES = {
    "pipelines.validate.Validate": 100,
    "pipelines.deduplicate.Deduplicate": 200,
    "pipelines.store.Store": 300,
}

# Where the archive lies, who is answerable for the crawl (a mail address or a page; it goes into the user agent).
CIWEN_ARCHIVE = os.environ.get("CIWEN_ARCHIVE") or "archive"
CIWEN_CONTACT = None
# How often an article is looked at again, by its age at the last look: hourly up to three hours, daily up to a week,
# weekly up to a month, then twice a year. `always`: in every run.
CIWEN_LOOK_AGAIN = "3h 1h, 7d 1d, 30d 7d, 182d"
# Fields whose loss is accepted for good, blank-separated: `author summary`. No monitor looks at them.
CIWEN_UNWATCHED = ""

# Seconds. Where a robots.txt asks for a longer Crawl-delay, or a 429 or 503 by Retry-After for a longer pause, nothing
# more is asked of the host in this run.
CIWEN_LONGEST_DELAY = 60
CIWEN_LONGEST_PAUSE = 300

# The bytes as they went over the wire go to the archive. What is no web address is never asked for.
DOWNLOAD_HANDLERS = {
    "file": None,
    "ftp": None,
    "s3": None,
    "http": "ciwen_crawler.wire.WireDownloadHandler",
    "https": "ciwen_crawler.wire.WireDownloadHandler",
}
EXTENSIONS = {"ciwen_crawler.archiving.Archiving": 0}

# Scrapy's own lets most of the requests that wait for robots.txt through, and takes a 503 for "all allowed".
ROBOTSTXT_OBEY = True
DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "ciwen_crawler.middlewares.scope.Scope": 90,  # first: it takes credentials out of addresses, robots.txt's too
    "ciwen_crawler.middlewares.robots.Robots": 100,
    "ciwen_crawler.middlewares.conditional.Conditional": 950,  # late: a redirect or a retry is asked with its own
    "ciwen_crawler.middlewares.lookup.Lookup": 980,  # before retries: a private address is one the next time, too
    "ciwen_crawler.middlewares.gate.Gate": 990,  # last: what passes it goes over the wire
}
SCHEDULER_PRIORITY_QUEUE = "ciwen_crawler.turns.Turns"

# What has been handed to the downloader is still fetched after an interrupt, so that is kept to a few seconds' worth.
CONCURRENT_REQUESTS = 4
# A small public site: one request at a time, at least a second apart, slower when it answers slowly. While there is a
# delay, whatever its length, there is one request at a time to a host.
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 1
DOWNLOAD_DELAY_JITTER = 0  # Scrapy's goes below the delay as often as above
AUTOTHROTTLE_ENABLED = True
AUTOTHROTTLE_START_DELAY = 1
AUTOTHROTTLE_MAX_DELAY = 30
DOWNLOAD_TIMEOUT = 60
# A page that has moved has moved once or twice; an address that leads to itself would be asked twenty times.
REDIRECT_MAX_TIMES = 5
# What browsers ask for. The codings are those whose decoding is certain for decades.
DEFAULT_REQUEST_HEADERS = {
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}
# The longest pages have 200 KB, the largest photographs a few MB. What is longer is cut there, and counted.
DOWNLOAD_MAXSIZE = 16 * 1024 * 1024
DOWNLOAD_WARNSIZE = 0
# A page from an impostor is no evidence. Scrapy's default is to take any certificate.
DOWNLOAD_VERIFY_CERTIFICATES = True

# Nothing of the site needs them, and they would make tldextract fetch a list from the network.
COOKIES_ENABLED = False
# A page says by HTML where to go only in templates that are none of ours; the archive keeps what was there.
METAREFRESH_ENABLED = False
# Both listen on a port, and the second runs what is sent to it.
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False
# With the default of 100, Scrapy starts 101 tasks for each response; 4 makes a crawl half as fast again.
CONCURRENT_ITEMS = 4
# What was asked for first comes first: a list's articles in its order, the newest at its head.
SCHEDULER_MEMORY_QUEUE = "scrapy.squeues.FifoMemoryQueue"
# Hourly memory reports and such are not read by anybody; the run's report is.
LOGSTATS_INTERVAL = 0
FEED_EXPORT_ENCODING = "utf-8"
