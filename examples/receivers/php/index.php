<?php
/**
 * A receiver of ringback's callbacks: PHP 8.1 or later with pdo_sqlite, nothing else.
 *
 * A callback is answered `success` once it is on disk in inbox.db, and worked on after the answer has gone out. `process` is the
 * place for your code. Settings come from the environment; README.md in the folder above lists them.
 *
 * Under a web server it takes in callbacks; `php index.php` on the command line works on what has been left over (for cron).
 */

declare(strict_types=1);

const BODY_MAX = 1024 * 1024;
const TOLERANCE_S = 5 * 60;

// --- where it comes from -------------------------------------------------------------------------------------------

/** Standard Webhooks, over the raw body: parsed and written again, it would be other bytes. */
function signature_fits(string $id, string $sent, string $signatures, string $body): bool
{
    if ($id === '' || !preg_match('/^[0-9]{1,12}$/D', $sent) || abs(time() - (int) $sent) > TOLERANCE_S) {
        return false;
    }
    $fits = false;
    // Several while a secret is being rotated.
    foreach (explode(',', (string) getenv('RINGBACK_SECRET')) as $secret) {
        $key = base64_decode(preg_replace('/^whsec_/', '', trim($secret)), true);
        if ($key === false || $key === '') {
            throw new RuntimeException('RINGBACK_SECRET: must be one or more whsec_…, separated by commas');
        }
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$sent.$body", $key, true));
        foreach (explode(' ', $signatures) as $given) {
            $fits = hash_equals($expected, $given) || $fits;
        }
    }
    return $fits;
}

/** The platform's own `sign`, which does not cover the body: a second check, never the only one. Version two has none. */
function sign_fits(array $data): bool
{
    $appKey = (string) getenv('RINGBACK_APP_KEY');
    if ($appKey === '' || isset($data['callInstance'])) {
        return true;
    }
    $message = $appKey . "\n" . ($data['dateTime'] ?? '');
    $expected = base64_encode(hash_hmac('sha1', $message, (string) getenv('RINGBACK_APP_SECRET'), true));
    return hash_equals($expected, (string) ($data['sign'] ?? ''));
}

// --- what it is ----------------------------------------------------------------------------------------------------

/**
 * What came, the key whose events have an order, and `data.data`. Null for what is no callback.
 *
 * Only the fields that make a callback one are asked for: all others can be null, absent or new.
 */
function read(string $body): ?array
{
    // Integers have 64 bits here; a larger one would become a float and lose digits.
    $callback = json_decode($body, true, 512, JSON_BIGINT_AS_STRING);
    // The names of the first version, and of the second (`profile` v2).
    $type = $callback['data']['dataType'] ?? $callback['data']['callbackType'] ?? null;
    $data = $callback['data']['data'] ?? null;
    if (!is_string($type) || !is_array($data)) {
        return null;
    }
    $call = $data['sceneInstance'] ?? $data['callInstance'] ?? null;
    // A correction belongs to its call, so that the two have one key.
    $entry = $data['taskResult'][0] ?? null;
    [$kind, $name, $company, $number] = match (true) {
        $type === 'CALL_INSTANCE_RESULT' && $call !== null =>
            ['call', 'call', $call['companyId'] ?? null, $call['callInstanceId'] ?? null],
        $type === 'CALL_INSTANCE_RESULT' =>
            ['correction', 'call', $entry['companyId'] ?? null, $entry['sceneInstanceId'] ?? null],
        $type === 'INBOUND_CALL_INSTANCE_RESULT' =>
            ['inbound', 'inbound', $call['companyId'] ?? null, $call['inboundInstanceId'] ?? null],
        $type === 'JOB_INFO_RESULT' =>
            ['job', 'job', $data['companyId'] ?? null, $data['callJobId'] ?? null],
        // A kind of the future: kept, since a refusal would only bring it again.
        default => ['unknown', null, null, null],
    };
    if ($name !== null && ($company === null || $number === null)) {
        return null;
    }
    return [$kind, $name === null ? null : "$name/$company/$number", $data];
}

// --- the inbox -----------------------------------------------------------------------------------------------------

function data_dir(): string
{
    $directory = getenv('DATA_DIR') ?: 'data';
    if (!is_dir($directory) && !mkdir($directory, 0700, true) && !is_dir($directory)) {
        throw new RuntimeException("cannot make $directory");
    }
    return $directory;
}

function inbox(): PDO
{
    $inbox = new PDO('sqlite:' . data_dir() . '/inbox.db', options: [PDO::ATTR_TIMEOUT => 10]);
    $inbox->exec('PRAGMA journal_mode = WAL');
    // FULL: a commit that returned is on disk.
    $inbox->exec('PRAGMA synchronous = FULL');
    $inbox->exec(<<<'SQL'
        CREATE TABLE IF NOT EXISTS inbox (
          webhook_id TEXT PRIMARY KEY,            -- the same on every send: a repetition makes no second row
          kind TEXT NOT NULL,
          key TEXT,
          apply TEXT NOT NULL,                    -- all; without-level; nothing
          body TEXT NOT NULL,                     -- the raw bytes
          processed INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX IF NOT EXISTS inbox_key ON inbox (key, webhook_id);
        CREATE INDEX IF NOT EXISTS inbox_open ON inbox (processed) WHERE processed = 0;
        SQL);
    return $inbox;
}

/** On disk when it returns. What is known already stays as it is. */
function store(PDO $inbox, string $id, string $kind, ?string $key, string $body): void
{
    // If this throws, the answer is a 500, the transaction is rolled back, and the callback comes again.
    $inbox->exec('BEGIN IMMEDIATE');
    $row = $inbox->prepare('INSERT OR IGNORE INTO inbox (webhook_id, kind, key, apply, body) VALUES (?, ?, ?, ?, ?)');
    $row->execute([$id, $kind, $key, what_to_apply($inbox, $id, $kind, $key), $body]);
    $inbox->exec('COMMIT');
}

/**
 * A resend can bring an old event after a newer one of its key; a webhook-id sorts by age.
 *
 * An old event must not overwrite what is newer. But a call that comes after its own correction still brings all that the
 * correction does not have: it is applied, save for the level.
 */
function what_to_apply(PDO $inbox, string $id, string $kind, ?string $key): string
{
    $query = $inbox->prepare(
        "SELECT max(webhook_id), max(CASE WHEN kind <> 'correction' THEN webhook_id END) FROM inbox WHERE key = ?"
    );
    $query->execute([$key]);
    [$newest, $newestCall] = $query->fetch(PDO::FETCH_NUM);
    // strcmp, since < would compare what looks like numbers as numbers.
    if ($newest === null || strcmp($id, $newest) > 0) {
        return 'all';
    }
    if ($kind === 'call' && ($newestCall === null || strcmp($id, $newestCall) > 0)) {
        return 'without-level';
    }
    return 'nothing';
}

// --- the work ------------------------------------------------------------------------------------------------------

/** Your code. If the machine fails at the wrong moment it is called again with the same callback. */
function process(string $kind, ?string $key, string $apply, string $body): void
{
    error_log("$kind $key: apply $apply");
}

/** Works on what is open, in the order in which it came; one process at a time. */
function work(PDO $inbox): void
{
    // To lose a mark of what is done costs a repetition, to wait for the disk each time would cost more.
    $inbox->exec('PRAGMA synchronous = NORMAL');
    $lock = fopen(data_dir() . '/work.lock', 'c');
    $open = 'SELECT webhook_id, kind, key, apply, body FROM inbox WHERE processed = 0 ORDER BY rowid LIMIT 100';
    $done = $inbox->prepare('UPDATE inbox SET processed = 1 WHERE webhook_id = ?');
    // Who finds the lock taken can go: its holder looks once more after letting go.
    while (($rows = $inbox->query($open)->fetchAll(PDO::FETCH_NUM)) && flock($lock, LOCK_EX | LOCK_NB)) {
        try {
            // Another process may have been here between the query and the lock.
            foreach ($inbox->query($open)->fetchAll(PDO::FETCH_NUM) as [$id, $kind, $key, $apply, $body]) {
                if ($apply !== 'nothing') {
                    process($kind, $key, $apply, $body);
                }
                $done->execute([$id]);
            }
        } finally {
            flock($lock, LOCK_UN);
        }
    }
}

// --- HTTP ----------------------------------------------------------------------------------------------------------

function answer(int $status, string $text): void
{
    http_response_code($status);
    header('content-type: text/plain;charset=utf-8');
    header('content-length: ' . strlen($text));
    echo $text;
    // The answer goes out here; what follows costs the sender no time.
    function_exists('fastcgi_finish_request') ? fastcgi_finish_request() : flush();
}

function receive(): void
{
    $body = (string) file_get_contents('php://input', length: BODY_MAX + 1);
    if (strlen($body) > BODY_MAX) {
        answer(413, 'fail');
        return;
    }
    $id = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $sent = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!signature_fits($id, $sent, $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '', $body)) {
        answer(401, 'fail');
        return;
    }
    $callback = read($body);
    if ($callback === null) {
        answer(400, 'fail');
        return;
    }
    [$kind, $key, $data] = $callback;
    if (in_array($kind, ['call', 'inbound'], true) && !sign_fits($data)) {
        answer(401, 'fail');
        return;
    }
    $inbox = inbox();
    store($inbox, $id, $kind, $key, $body);
    ignore_user_abort(true);
    answer(200, 'success');
    work($inbox);
}

/** What `process` was called with, for `ringback conformance`. Not for production: it asks for no credentials. */
function journal(): void
{
    header('content-type: application/x-ndjson');
    $rows = inbox()->query("SELECT webhook_id, kind FROM inbox WHERE processed = 1 AND apply <> 'nothing' ORDER BY rowid");
    foreach ($rows as [$id, $kind]) {
        echo json_encode(['webhookId' => $id, 'kind' => $kind, 'processed' => true]), "\n";
    }
}

// Errors go to the log, not into answers.
ini_set('display_errors', '0');
ini_set('log_errors', '1');
// An exception that nobody catches makes a 500, unless the answer has gone out.
if (PHP_SAPI === 'cli') {
    work(inbox());
} else {
    $path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
    match (true) {
        $path === '/callbacks' && $_SERVER['REQUEST_METHOD'] === 'POST' => receive(),
        $path === '/journal' && getenv('RINGBACK_JOURNAL') === '1' => journal(),
        default => answer($path === '/callbacks' ? 405 : 404, 'fail'),
    };
}
