import{a as z}from"./part-HB4HGF23.js";import{a as S,e as N,l as M,m as i,n as B,o as P,p as D}from"./part-YBZZOBOM.js";import{A as p,D as T,b as s,c as R,d as I,e as b,l as E,m as d,p as _,s as w,t as x,u as v,w as f,y as C}from"./part-O6A5OZEG.js";var V={solid:"on",off:"off",blink:"blinking",pulse:"pulsing"},O=["red","green","blue","amber","yellow","white","orange"],y=[{ms:1e4,name:"Hold 10 s",does:"Opens the setup window for 15 minutes"},{ms:3e3,name:"Hold 3 s",does:"Stops cleanly and makes the disk safe to unplug"},{ms:0,name:"Press",does:"Keeps the last 5 minutes of every camera"}],L=e=>y.find(t=>e>=t.ms)??y[y.length-1];function H(){let e=d.value.board;return s`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      <ul class="leds">${(e.leds??[]).map(t=>s`<${W} key=${t.name} l=${t} />`)}</ul>
      <${q} />
      ${(e.buttons??[]).map(t=>s`<${G} key=${t.name} b=${t} />`)}
      ${!e.leds?.length&&!e.buttons?.length&&s`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`}function W({l:e}){let t=O.includes((e.color??"").toLowerCase())?e.color.toLowerCase():"white",a=e.on===!1&&e.pattern==="solid"?"off":e.pattern;return s`<li class="led" data-testid="led-${e.name}" data-pattern=${a}>
    <span class="led-lens led-${t} led-p-${a}" aria-hidden="true"></span>
    <span><b>${e.label||e.name}</b><small>${V[a]??a}</small></span>
  </li>`}function q(){let e=d.value.board.watchdog;if(!e)return null;let t=Math.max(0,e.left_s-(f.value?0:(w.value-d.value.boardAt)/1e3)),a=e.timeout_s>0?Math.min(1,t/e.timeout_s):0,r=2*Math.PI*17;return s`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${a<.34?"is-low":""}" cx="22" cy="22" r="17"
      stroke-dasharray=${r} stroke-dashoffset=${r*(1-a)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(t)} s of ${e.timeout_s} s left${e.resets!==void 0?`, ${e.resets} ${e.resets===1?"reset":"resets"}`:""}</small></span>
  </div>`}function F(e,t){if(!z.send("board.press",{button:e.name,ms:Math.round(t)})){C("error","Not connected: the button was not pressed.");return}C("info",`${e.label||e.name}: ${L(t).name.toLowerCase()}. ${L(t).does}.`)}function G({b:e}){let[t,a]=R(null),r=b(0),n=b(0);I(()=>()=>clearInterval(n.current),[]);let c=()=>{r.current||f.value||(r.current=performance.now(),a(0),n.current=window.setInterval(()=>a(performance.now()-r.current),50))},l=o=>{if(!r.current)return;let k=performance.now()-r.current;r.current=0,clearInterval(n.current),a(null),o&&F(e,k)},u=o=>{o.key!==" "&&o.key!=="Enter"||(o.preventDefault(),o.type==="keydown"&&!o.repeat&&c(),o.type==="keyup"&&l(!0))},$=o=>{o.button===0&&(o.currentTarget.setPointerCapture(o.pointerId),c())},m=2*Math.PI*34;return s`<div class="press">
    <button type="button" class="press-cap ${t!==null?"is-down":""}" disabled=${f.value} data-testid="board-button-${e.name}"
      aria-label="${e.label||e.name}: press, or hold 3 or 10 seconds" onKeyDown=${u} onKeyUp=${u} onBlur=${()=>l(!1)}
      onPointerDown=${$} onPointerUp=${()=>l(!0)} onPointerCancel=${()=>l(!1)} onContextMenu=${o=>o.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${m} stroke-dashoffset=${m*(1-Math.min(1,(t??0)/1e4))} /></svg>
      <span>${t===null?e.label||e.name:`${(t/1e3).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${t===null?"Press and hold as on the box, or choose:":`Let go: ${L(t).does.toLowerCase()}`}</p>
      <div class="press-row">${[...y].reverse().map(o=>s`<button type="button" key=${o.ms} class="button small" disabled=${f.value} title=${o.does}
        onClick=${()=>F(e,o.ms||100)} data-testid="board-${e.name}-${o.ms}">${o.name}</button>`)}</div>
      <dl class="press-does">${[...y].reverse().map(o=>s`<div key=${o.ms}><dt>${o.name}</dt><dd>${o.does}</dd></div>`)}</dl>
    </div>
  </div>`}var U={"camera.recording":e=>`${e} records`,"camera.live":e=>`${e} is live`,"camera.connecting":e=>`${e} is connecting`,"camera.offline":e=>`${e} went offline`,"camera.error":e=>`${e} has an error`,"camera.disabled":e=>`${e} was switched off`,floor_unsatisfiable:()=>"The disk is smaller than its floor",nothing_to_prune:()=>"The disk is full and nothing on it may be deleted",prune_not_recovering_space:()=>"Deleting footage does not free space",disk_stats_unavailable:()=>"The disk does not tell how full it is"},j=e=>{let t=e.replace(/[._]+/g," ").trim();return t.charAt(0).toUpperCase()+t.slice(1)};function g(e){return e==null||typeof e=="object"?"":String(e)}function A(e,t){let a=e.payload??{},r=g(a.message),n=e.type==="camera_state"||e.type==="camera.state"?`camera.${g(a.state)}`:e.type,c=U[n]??U[n.replace("_",".")],l=c?c(t??"A camera"):r||(t?`${t}: ${j(e.type).toLowerCase()}`:j(e.type)),u=[c&&r,a.reason??a.state_reason].map(g).filter(Boolean);if(u.length||c||r)return{text:l,detail:u.join(", ")};let $=Object.entries(a).filter(([m,o])=>m!=="message"&&g(o)).slice(0,4).map(([m,o])=>`${m.replace(/_/g," ")} ${g(o)}`).join(", ");return{text:l,detail:$}}function we(){let e=d.value;return s`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted">${[e.system.board||e.board.board,e.system.version||e.version,e.system.uptime_s!==void 0?`up ${M(e.system.uptime_s*1e3)}`:""].filter(Boolean).join(" · ")}</p></header>
    <div class="status-grid">
      <${H} />
      <div class="status-side">
        <${Q} />
        <${te} />
      </div>
      <${se} />
      <${oe} />
    </div>
  </main>`}function J(e){let t=b(null);if(e.write_bytes_per_s)return e.write_bytes_per_s;let a=v.value.reduce((c,l)=>c+(l.state==="recording"?l.bitrate_bps??0:0),0)/8;if(a>0)return a;let r=w.value;(!t.current||e.footage_bytes<t.current.bytes)&&(t.current={at:r,bytes:e.footage_bytes});let n=(r-t.current.at)/1e3;return n>20?(e.footage_bytes-t.current.bytes)/n:0}function Q(){let e=d.value.system.volumes??[];return s`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${e.length>1?"Disks":"Disk"}</h2>
    ${e.length===0&&s`<p class="muted">No footage disk.</p>`}
    ${e.map(t=>s`<${Y} key=${t.id} v=${t} />`)}
    ${d.value.system.promise_s?s`<p class="muted small">A power cut costs at most ${d.value.system.promise_s} s of footage.</p>`:null}
  </section>`}var X={ok:"In order",healthy:"In order",recording:"In order",full:"Full",failed:"Failed",readonly:"Read only",read_only:"Read only"};function Y({v:e}){let t=J(e),a=E(e,t),r=Math.max(1,e.total_bytes),n=h=>Math.min(100,Math.max(0,h/r*100)),c=e.total_bytes-e.free_bytes,l=Math.min(e.held_bytes,e.footage_bytes),u=Math.max(0,c-e.footage_bytes),$=e.free_bytes<e.reserve_bytes?"reserve":e.free_bytes<e.floor_bytes?"floor":"",m=["ok","healthy","recording","open","in order"].includes(e.state||"ok"),o=[{k:"other",w:n(u)},{k:"held",w:n(l)},{k:"footage",w:n(e.footage_bytes-l)}],k=0;return s`<div class="disk" data-testid="disk-${e.id}">
    <p class="disk-head"><b>${i(e.free_bytes)} free</b> of ${i(e.total_bytes)} <span class="tag">${e.medium&&e.medium!=="unknown"?e.medium.toUpperCase():"Disk"}</span>
      <span class="tag ${m?"tag-good":"tag-bad"}"><${p} name=${m?"check":"warn"} size=${14} />${X[e.state]??e.state??"In order"}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${i(e.footage_bytes)} footage, ${i(l)} of it held, ${i(u)} other, ${i(e.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${o.map(h=>{let K=k;return k+=h.w,s`<rect key=${h.k} class="bar-${h.k}" x=${K} y="0" width=${h.w} height="10" />`})}
      <rect class="bar-line bar-high" x=${100-n(e.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100-n(e.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6,100-n(e.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${i(e.footage_bytes-l)}</b></li>
      ${l>0&&s`<li><i class="key key-held"></i>Held <b>${i(l)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${i(u)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${i(e.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${i(e.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${i(e.reserve_bytes)}</b></li>
    </ul>
    <p class="disk-says ${$?"bad":""}">${$==="reserve"?s`<${p} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`:$==="floor"?s`<${p} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`:a===null?"How long footage is kept shows once the write rate is known.":s`Keeps <b>about ${Z(a)}</b> at ${B(t*8)}.`}</p>
  </div>`}function Z(e){return e<1?D(Math.max(1,Math.round(e*24)),"hour"):e<10?`${e.toFixed(1)} days`:D(Math.round(e),"day")}var ee={ntp:"network time",rtc:"the battery clock",sntp:"network time",system:"the operating system",none:"nothing"};function te(){let e=d.value,t=e.system.clock,a=_.value,r=Math.abs(e.skew);return s`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${S(x.value,a)} <small>${a==="utc"?"UTC":"local"}</small></p>
    <p class=${t?.trusted===!1?"bad":""}><${p} name=${t?.trusted===!1?"warn":"check"} size=${16} />
      ${t===void 0?" Not known":t.trusted?` Trusted${t.source?`, set by ${ee[t.source]??t.source}`:""}`:" Not trusted yet: footage is kept and stamped again once it is."}</p>
    ${r>5e3&&s`<p class="warnline"><${p} name="warn" size=${16} /> ${M(r)} ${e.skew>0?"ahead of":"behind"} this device.</p>`}
  </section>`}function se(){let e=v.value;return s`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${e.length===0?s`<p class="muted">None yet.</p>`:s`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Drops</th></tr></thead>
      <tbody>${e.map(t=>s`<${ae} key=${t.id} c=${t} />`)}</tbody>
    </table></div>`}
  </section>`}function ae({c:e}){let t=e.last_written?Date.parse(e.last_written):NaN,a=x.value-t,r=e.state==="recording"&&a>15e3;return s`<tr data-testid="status-camera-${e.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(e.id)}">${e.name}</a></th>
    <td data-label="State"><${T} state=${e.state} />${e.state_reason&&e.state!=="recording"&&s`<small class="why">${e.state_reason}</small>`}</td>
    <td data-label="Last written" class=${r?"bad":""}>${Number.isFinite(t)?s`${r&&s`<${p} name="warn" size=${14} /> `}${P(a)}`:s`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${e.bitrate_bps?B(e.bitrate_bps):"–"}</td>
    <td data-label="Drops" class="mono ${e.drops?"warnline":""}">${e.drops??0}</td>
  </tr>`}function oe(){let e=d.value.events;return s`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${e.length===0?s`<p class="muted">Nothing yet.</p>`:s`<ol class="events" data-testid="events">${e.slice(0,100).map(t=>s`<${re} key=${t.seq} e=${t} />`)}</ol>`}
  </section>`}function re({e}){let t=v.value.find(n=>n.id===e.camera)?.name??e.camera,a=e.severity==="critical"?"cross":e.severity==="warning"?"warn":"info",r=A(e,t);return s`<li class="event event-${e.severity}">
    <${p} name=${a} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${N(Date.parse(e.time),_.value)}</time>
    <span class="event-text">${r.text}${r.detail&&s` <small>${r.detail}</small>`}</span>
  </li>`}export{we as StatusScreen};
