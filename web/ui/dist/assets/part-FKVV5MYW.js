import{a as G}from"./part-WZWS5OWQ.js";import{d as K,f as N,j as O,q as x,r as d,s as F,t as j,u as _,v as g,x as Z}from"./part-R3PHWGJ4.js";import{A as h,D as W,E as q,b as a,c as D,d as z,e as v,l as A,m as u,n as H,p as S,s as M,t as P,u as R,v as V,w as f,y as w}from"./part-2NWJ3OZH.js";var oe={solid:"on",off:"off",blink:"blinking",pulse:"pulsing"},ne=["red","green","blue","amber","yellow","white","orange"],T=[{ms:1e4,name:"Hold 10 s",does:"Shows the claim code on the console while the box has no owner"},{ms:3e3,name:"Hold 3 s",does:"Stops cleanly and makes the disk safe to unplug"},{ms:0,name:"Press",does:"Keeps the last 5 minutes of every camera"}],L=e=>T.find(t=>e>=t.ms)??T[T.length-1];function Q(){let e=u.value.board;return a`<section class="card board" aria-labelledby="board-h"><h2 id="board-h">Board</h2>
    <div class="board-face">
      <ul class="leds">${(e.leds??[]).map(t=>a`<${re} key=${t.name} l=${t} />`)}</ul>
      <${ie} />
      ${(e.buttons??[]).map(t=>a`<${le} key=${t.name} b=${t} />`)}
      ${!e.leds?.length&&!e.buttons?.length&&a`<p class="muted">This board reports no lights and no buttons.</p>`}
    </div>
  </section>`}function re({l:e}){let t=ne.includes((e.color??"").toLowerCase())?e.color.toLowerCase():"white",s=e.on===!1&&e.pattern==="solid"?"off":e.pattern;return a`<li class="led" data-testid="led-${e.name}" data-pattern=${s}>
    <span class="led-lens led-${t} led-p-${s}" aria-hidden="true"></span>
    <span><b>${e.label||e.name}</b><small>${oe[s]??s}</small></span>
  </li>`}function ie(){let e=u.value.board.watchdog;if(!e)return null;let t=Math.max(0,e.left_s-(f.value?0:(M.value-u.value.boardAt)/1e3)),s=e.timeout_s>0?Math.min(1,t/e.timeout_s):0,o=2*Math.PI*17;return a`<div class="dog" data-testid="watchdog">
    <svg width="44" height="44" viewBox="0 0 44 44" aria-hidden="true"><circle class="dog-track" cx="22" cy="22" r="17" /><circle class="dog-left ${s<.34?"is-low":""}" cx="22" cy="22" r="17"
      stroke-dasharray=${o} stroke-dashoffset=${o*(1-s)} /></svg>
    <span><b>Watchdog</b><small>${Math.ceil(t)} s of ${e.timeout_s} s left${e.resets!==void 0?`, ${e.resets} ${e.resets===1?"reset":"resets"}`:""}</small></span>
  </div>`}function J(e,t){if(!G.send("board.press",{button:e.name,ms:Math.round(t)})){w("error","Not connected: the button was not pressed.");return}w("info",`${e.label||e.name}: ${L(t).name.toLowerCase()}. ${L(t).does}.`)}function le({b:e}){let[t,s]=D(null),o=v(0),i=v(0);z(()=>()=>clearInterval(i.current),[]);let l=()=>{o.current||f.value||(o.current=performance.now(),s(0),i.current=window.setInterval(()=>s(performance.now()-o.current),50))},p=n=>{if(!o.current)return;let I=performance.now()-o.current;o.current=0,clearInterval(i.current),s(null),n&&J(e,Math.max(100,I))},m=n=>{n.key!==" "&&n.key!=="Enter"||(n.preventDefault(),n.type==="keydown"&&!n.repeat&&l(),n.type==="keyup"&&p(!0))},b=n=>{n.button===0&&(n.currentTarget.setPointerCapture(n.pointerId),l())},c=2*Math.PI*34;return a`<div class="press">
    <button type="button" class="press-cap ${t!==null?"is-down":""}" disabled=${f.value} data-testid="board-button-${e.name}"
      aria-label="${e.label||e.name}: press, or hold 3 or 10 seconds" onKeyDown=${m} onKeyUp=${m} onBlur=${()=>p(!1)}
      onPointerDown=${b} onPointerUp=${()=>p(!0)} onPointerCancel=${()=>p(!1)} onContextMenu=${n=>n.preventDefault()}>
      <svg viewBox="0 0 76 76" aria-hidden="true"><circle class="press-track" cx="38" cy="38" r="34" /><circle class="press-held" cx="38" cy="38" r="34"
        stroke-dasharray=${c} stroke-dashoffset=${c*(1-Math.min(1,(t??0)/1e4))} /></svg>
      <span>${t===null?e.label||e.name:`${(t/1e3).toFixed(1)} s`}</span>
    </button>
    <div class="press-ways">
      <p class="press-says" role="status">${t===null?"Press and hold as on the box, or choose:":`Let go: ${L(t).does.toLowerCase()}`}</p>
      <div class="press-row">${[...T].reverse().map(n=>a`<button type="button" key=${n.ms} class="button small" disabled=${f.value} title=${n.does}
        onClick=${()=>J(e,n.ms||100)} data-testid="board-${e.name}-${n.ms}">${n.name}</button>`)}</div>
      <dl class="press-does">${[...T].reverse().map(n=>a`<div key=${n.ms}><dt>${n.name}</dt><dd>${n.does}</dd></div>`)}</dl>
    </div>
  </div>`}var r=e=>e==null||typeof e=="object"?"":String(e),E=e=>{let t=r(e.reason??e.state_reason);return t?g(t):""},C=e=>{let t=r(e.address).replace(/^\[(.*)\]:\d+$/,"$1").replace(/^([^:]+):\d+$/,"$1");return t?`from ${t}`:""},B=e=>r(e.user)||"Somebody",y=e=>(t,s)=>({text:e(s),detail:E(t)}),$=(e,t)=>{let s=Date.parse(r(e));return Number.isFinite(s)?N(s,t):""},de={free_floor:["The disk reached its floor: the oldest footage is being deleted","The disk is above its floor again"],nothing_to_prune:["The disk is full and nothing on it may be deleted","There is footage again that may be deleted"],floor_unsatisfiable:["The disk is smaller than its floor","The floor fits the disk again"],prune_not_recovering_space:["Deleting footage does not free space","Deleting footage frees space again"],delete_failed:["Footage could not be deleted","Footage can be deleted again"],disk_stats_unavailable:["The disk does not tell how full it is","The disk tells how full it is again"],reserve:["The disk is below its reserve: recording rests","The disk has room again"]},X={evidence_hold:"the last 5 minutes are kept",stop:"the recorder stops cleanly",claim_code_shown:"the claim code is on the console",none:"nothing to do"},ce={press:"pressed",hold:"held for 3 s",long:"held for 10 s",broken:"held far too long"},ue={camera_recording:y(e=>`${e} records`),camera_live:y(e=>`${e} is live, not recorded`),camera_connecting:y(e=>`${e} is connecting`),camera_interrupted:y(e=>`${e} was interrupted`),camera_offline:y(e=>`${e} went offline`),camera_error:y(e=>`${e} has an error`),camera_disabled:y(e=>`${e} was switched off`),camera_added:(e,t)=>({text:`${r(e.name)||t} was added`}),camera_removed:(e,t)=>({text:`${r(e.name)||t} was removed`}),recording_gap:(e,t,s)=>({text:`${t} lost ${x(Number(e.seconds)*1e3||0)}: ${Z(r(e.reason))}`,detail:$(e.start,s)?`${$(e.start,s)} – ${$(e.end,s)}`:""}),auth_claimed:e=>({text:`${B(e)} claimed this recorder`,detail:C(e)}),auth_login:e=>({text:`${B(e)} signed in`,detail:C(e)}),auth_logout:e=>({text:`${B(e)} signed out`,detail:C(e)}),auth_login_failed:e=>({text:r(e.user)?`A wrong password for ${B(e)}`:"Somebody failed to sign in",detail:C(e)}),auth_login_throttled:e=>({text:"Too many failed attempts to sign in: slowed down",detail:C(e)}),system_started:e=>({text:"The recorder started",detail:r(e.version)&&`version ${r(e.version)}`}),system_stopped:()=>({text:"The recorder stopped cleanly"}),system_recovered:e=>({text:"The recorder put its footage in order after an unclean stop",detail:r(e.summary)}),volume_lost:e=>({text:`Disk ${r(e.volume)} was lost`,detail:E(e)}),volume_absent:e=>({text:`Disk ${r(e.volume)} cannot be used`,detail:E(e)}),volume_present:e=>({text:`Disk ${r(e.volume)} is there`}),volume_replaced:e=>({text:`Disk ${r(e.volume)} was replaced by another one`}),footage_restamped:(e,t,s)=>({text:"Footage from before the clock was set has its true time now",detail:typeof e.segments=="number"?`${_(e.segments,"file")}${$(e.from,s)?` from ${$(e.from,s)}`:""}`:""}),disk_pressure:e=>{let[t,s]=de[r(e.reason)]??[`The disk: ${r(e.reason).replace(/_/g," ")}`,`The disk: ${r(e.reason).replace(/_/g," ")} is over`];return{text:e.cleared?s:t}},evidence_hold:(e,t,s)=>({text:$(e.from,s)?`Footage from ${$(e.from,s)} to ${$(e.to,s)} is kept as evidence`:"Footage is kept as evidence",detail:typeof e.segments=="number"?_(e.segments,"file")+" so far":""}),evidence_hold_failed:e=>({text:"Footage could not be kept as evidence",detail:r(e.error)}),button:e=>({text:`The button was ${ce[r(e.gesture)]??"used"}${X[r(e.action)]?`: ${X[r(e.action)]}`:""}`,detail:r(e.error)})},Y=e=>{let t=e.replace(/[._]+/g," ").trim();return t.charAt(0).toUpperCase()+t.slice(1)};function ee(e,t="",s="utc"){let o=e.payload??{},i=e.type==="camera_state"||e.type==="camera.state"?`camera_${r(o.state)}`:e.type,l=ue[i.replace(".","_")];if(l){let{text:c,detail:n=""}=l(o,t||"A camera",s);return{text:c,detail:n}}let m=r(o.message)||(t?`${t}: ${Y(e.type).toLowerCase()}`:Y(e.type)),b=Object.entries(o).filter(([c,n])=>c!=="message"&&r(n)).slice(0,4).map(([c,n])=>`${c.replace(/_/g," ")} ${r(n)}`).join(", ");return{text:m,detail:b}}function Ve(){let e=u.value;return a`<main id="main" class="screen status">
    <header class="screen-head"><h1 tabIndex=${-1}>Status</h1>
      <p class="muted" data-testid="about">${[e.board.name||e.system.board||e.board.board,e.system.version||e.version,e.system.uptime_s!==void 0?`up ${x(e.system.uptime_s*1e3)}`:""].filter(Boolean).join(" · ")}</p></header>
    <${pe} />
    <div class="status-grid">
      <${Q} />
      <div class="status-side">
        <${$e} />
        <${ke} />
      </div>
      <${we} />
      <${ve} />
    </div>
  </main>`}var me={recording:{good:!0,icon:"check",says:"Everything is in order"},starting:{icon:"clock",says:"Starting"},updating:{icon:"clock",says:"Updating"},degraded:{icon:"warn",says:"Something needs a look"},fault:{icon:"cross",says:"Something is wrong"},stopped:{icon:"cross",says:"Not recording"}};function pe(){let e=u.value.board;if(!e.state)return null;let t=me[e.state]??{icon:"info",says:e.state},s=(e.reasons??[]).map(i=>g(i.replace(/^[a-z ]+: /,""))),o=t.good&&!V.value.wanted?"In order, but no camera is to be recorded yet":t.says;return a`<div class="overall overall-${e.state}" role="status" data-testid="overall" data-state=${e.state}>
    <${h} name=${t.icon} /><b>${o}</b>
    ${s.length>0&&a`<ul>${s.map(i=>a`<li key=${i}>${i}</li>`)}</ul>`}
  </div>`}function he(e){let t=v(null);if(e.write_bytes_per_s)return e.write_bytes_per_s;let s=R.value.reduce((l,p)=>l+(p.state==="recording"?p.bitrate_bps??0:0),0)/8;if(s>0)return s;let o=M.value;(!t.current||e.footage_bytes<t.current.bytes)&&(t.current={at:o,bytes:e.footage_bytes});let i=(o-t.current.at)/1e3;return i>20?(e.footage_bytes-t.current.bytes)/i:0}function $e(){let e=u.value.system.volumes??[];return a`<section class="card" aria-labelledby="disk-h"><h2 id="disk-h">${e.length>1?"Disks":"Disk"}</h2>
    ${e.length===0&&a`<p class="muted">No footage disk.</p>`}
    ${e.map(t=>a`<${["absent","foreign"].includes(t.state)||!t.total_bytes?be:fe} key=${t.name??t.id} v=${t} named=${e.length>1} />`)}
    ${u.value.system.promise_s?a`<p class="muted small">A power cut costs at most ${u.value.system.promise_s} s of footage.</p>`:null}
  </section>`}var te={ok:"In order",healthy:"In order",recording:"In order",full:"Full",pressure:"Too full",failed:"Failed",readonly:"Read only",read_only:"Read only",absent:"Not there",foreign:"Another disk"},se=(e,t)=>t&&e.name?a`<b class="disk-name">${e.name}</b> `:null;function be({v:e,named:t}){let[s,o]=D(!1),i=async()=>{o(!0);try{await K.adopt(e.name??"",e.other??""),w("good","The disk is being taken in use.")}catch(l){w("error",l.message)}finally{o(!1)}};return a`<div class="disk" data-testid="disk-${e.name??e.id}">
    <p class="disk-head">${se(e,t)}<span class="mono">${e.path??""}</span>
      <span class="tag tag-bad"><${h} name="warn" size=${14} />${te[e.state]??e.state}</span></p>
    ${e.reason&&a`<p class="disk-says bad">${g(e.reason)}</p>`}
    ${e.state==="foreign"&&e.other&&H.value?.role==="admin"&&a`<p><button class="button" type="button" disabled=${s||f.value} onClick=${i} data-testid="adopt-${e.name}">Use this disk</button>
      <span class="muted small"> Its footage stays and is shown; new footage goes to it.</span></p>`}
  </div>`}function fe({v:e,named:t}){let s=he(e),o=A(e,s),i=Math.max(1,e.total_bytes),l=k=>Math.min(100,Math.max(0,k/i*100)),p=e.total_bytes-e.free_bytes,m=Math.min(e.held_bytes,e.footage_bytes),b=Math.max(0,p-e.footage_bytes),c=e.free_bytes<e.reserve_bytes?"reserve":e.free_bytes<e.floor_bytes?"floor":"",n=["ok","healthy","recording","open","in order"].includes(e.state||"ok"),I=[{k:"other",w:l(b)},{k:"held",w:l(m)},{k:"footage",w:l(e.footage_bytes-m)}],U=0;return a`<div class="disk" data-testid="disk-${e.id}">
    <p class="disk-head">${se(e,t)}<b>${d(e.free_bytes)} free</b> of ${d(e.total_bytes)} <span class="tag">${e.medium&&e.medium!=="unknown"?e.medium.toUpperCase():"Disk"}</span>
      <span class="tag ${n?"tag-good":"tag-bad"}"><${h} name=${n?"check":"warn"} size=${14} />${te[e.state]??e.state??"In order"}</span></p>
    <svg class="disk-bar" viewBox="0 0 100 10" preserveAspectRatio="none" role="img" aria-label="${d(e.footage_bytes)} footage, ${d(m)} of it held, ${d(b)} other, ${d(e.free_bytes)} free">
      <rect class="bar-free" x="0" y="0" width="100" height="10" />
      ${I.map(k=>{let ae=U;return U+=k.w,a`<rect key=${k.k} class="bar-${k.k}" x=${ae} y="0" width=${k.w} height="10" />`})}
      <rect class="bar-line bar-high" x=${100-l(e.high_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-floor" x=${100-l(e.floor_bytes)} y="0" width="0.4" height="10" />
      <rect class="bar-line bar-reserve" x=${Math.min(99.6,100-l(e.reserve_bytes))} y="0" width="0.4" height="10" />
    </svg>
    <ul class="legend">
      <li><i class="key key-footage"></i>Footage <b>${d(e.footage_bytes-m)}</b></li>
      ${m>0&&a`<li><i class="key key-held"></i>Held <b>${d(m)}</b></li>`}
      <li><i class="key key-other"></i>Other <b>${d(b)}</b></li>
      <li><i class="key key-high"></i>High mark <b>${d(e.high_bytes)}</b></li>
      <li><i class="key key-floor"></i>Floor <b>${d(e.floor_bytes)}</b></li>
      <li><i class="key key-reserve"></i>Reserve <b>${d(e.reserve_bytes)}</b></li>
    </ul>
    ${e.state==="failed"&&e.reason&&a`<p class="disk-says bad">${g(e.reason)}</p>`}
    <p class="disk-says ${c?"bad":""}">${c==="reserve"?a`<${h} name="warn" size=${16} /> Below the reserve: recording on this disk has stopped.`:c==="floor"?a`<${h} name="warn" size=${16} /> Below the floor: the oldest footage is being deleted now.`:o===null?"How long footage is kept shows once the write rate is known.":a`Keeps <b>about ${ge(o)}</b> at ${F(s*8)}.`}</p>
  </div>`}function ge(e){return e<1?_(Math.max(1,Math.round(e*24)),"hour"):e<10?`${e.toFixed(1)} days`:_(Math.round(e),"day")}var ye={ntp:"network time",rtc:"the battery clock",network:"network time",sntp:"network time",system:"the operating system",kernel:"the operating system",simulated:"the computer it runs on"};function ke(){let e=u.value,t=e.system.clock,s=S.value,o=Math.abs(e.skew);return a`<section class="card clockcard" aria-labelledby="clock-h"><h2 id="clock-h">Clock</h2>
    <p class="clock-big mono">${N(P.value,s)} <small>${s==="utc"?"UTC":"local"}</small></p>
    <p class=${t?.trusted===!1?"bad":""}><${h} name=${t?.trusted===!1?"warn":"check"} size=${16} />
      ${t===void 0?" Not known":t.trusted?` Trusted${t.source?`, set by ${ye[t.source]??t.source}`:""}`:" Not trusted yet: footage is kept and stamped again once it is."}</p>
    ${o>5e3&&a`<p class="warnline"><${h} name="warn" size=${16} /> ${x(o)} ${e.skew>0?"ahead of":"behind"} this device.</p>`}
  </section>`}function we(){let e=R.value;return a`<section class="card span2" aria-labelledby="cams-h"><h2 id="cams-h">Cameras</h2>
    ${e.length===0?a`<p class="muted">None yet.</p>`:a`<div class="table-box"><table class="table stackable">
      <thead><tr><th scope="col">Camera</th><th scope="col">State</th><th scope="col">Last written</th><th scope="col">Rate</th><th scope="col">Drops</th></tr></thead>
      <tbody>${e.map(t=>a`<${_e} key=${t.id} c=${t} />`)}</tbody>
    </table></div>`}
  </section>`}function _e({c:e}){let t=e.last_written?Date.parse(e.last_written):NaN,s=P.value-t,o=e.state==="recording"&&s>15e3;return a`<tr data-testid="status-camera-${e.id}">
    <th scope="row"><a href="#/cameras/${encodeURIComponent(e.id)}">${e.name}</a></th>
    <td data-label="State"><${q} state=${e.state} />${e.state_reason&&e.state!=="recording"&&a`<small class="why">${g(e.state_reason)}</small>`}</td>
    <td data-label="Last written" class=${o?"bad":""}>${Number.isFinite(t)?a`${o&&a`<${h} name="warn" size=${14} /> `}${j(s)}`:a`<span class="muted">never</span>`}</td>
    <td data-label="Rate" class="mono">${e.bitrate_bps&&W(e)?F(e.bitrate_bps):"–"}</td>
    <td data-label="Drops" class="mono ${e.drops?"warnline":""}">${e.drops??0}</td>
  </tr>`}function ve(){let e=u.value.events;return a`<section class="card span2" aria-labelledby="events-h"><h2 id="events-h">What happened</h2>
    ${e.length===0?a`<p class="muted">Nothing yet.</p>`:a`<ol class="events" data-testid="events">${e.slice(0,100).map(t=>a`<${xe} key=${t.seq} e=${t} />`)}</ol>`}
  </section>`}function xe({e}){let t=R.value.find(i=>i.id===e.camera)?.name??e.camera,s=e.severity==="critical"?"cross":e.severity==="warning"?"warn":"info",o=ee(e,t,S.value);return a`<li class="event event-${e.severity}">
    <${h} name=${s} size=${16} /><span class="sr">${e.severity}: </span>
    <time class="mono" dateTime=${e.time}>${O(Date.parse(e.time),S.value)}</time>
    <span class="event-text">${o.text}${o.detail&&a` <small>${o.detail}</small>`}</span>
  </li>`}export{Ve as StatusScreen};
